"""Text from elsewhere (file names, servers, settings) made safe for a terminal, a log or a report."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

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


def as_json(document: Any) -> str:
    """`document` as indented JSON, in which `printable` would find nothing to escape."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    # A line break can only be layout here: within a string it is written as an escape.
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def _escape(character: str) -> str:
    """JSON's escape, which the json module does not use for DEL and C1 controls of its own accord."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


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
