"""How the hook script is named in shell commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# For files that others share: it names no user's home. Commands test first that it exists.
SHARED_SCRIPT = '"${CLAUDE_CONFIG_DIR:-$HOME/.claude}/akosha/bin/akosha-hook.sh"'


def quoted(path: Path) -> str:
    """`path` in double quotes, as a POSIX shell reads them."""
    text = str(path)
    for character in '\\"$`':
        text = text.replace(character, "\\" + character)
    return f'"{text}"'


def unquoted(text: str) -> str | None:
    """The path that `quoted` wrote at the start of `text`; None where there is none."""
    match = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    return re.sub(r"\\(.)", r"\1", match.group(1)) if match else None
