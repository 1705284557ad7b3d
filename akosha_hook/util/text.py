"""Text from elsewhere (file names, servers, settings) made safe for a terminal, a log or a report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ONE_LINE = 80


def printable(text: str, *, keep: str = "\n") -> str:
    """`text` with every character escaped that a terminal would act on or could not show.

    These are C0, DEL and C1 controls, bidirectional marks, line separators and lone surrogates.
    Characters in `keep` stay as they are.
    """
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


def one_line(text: str, limit: int = ONE_LINE) -> str:
    """At most `limit` characters of `text`, escaped onto one line; "..." marks what is left out."""
    return printable(text[:limit], keep="") + ("..." if len(text) > limit else "")


def with_tilde(text: str | Path, home: str | Path) -> str:
    """`text` with paths below the home directory written with `~`."""
    top = str(home).rstrip("/")
    if not top:
        return str(text)
    # Only at the start of a path: /backup/home/me is not in /home/me.
    return re.sub(rf"(?<![\w./~-]){re.escape(top)}/", "~/", str(text))
