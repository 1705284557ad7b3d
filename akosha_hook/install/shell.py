"""How the hook script is named in shell commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# In a file that others share: no user's home; whoever names it so tests first that it is there.
SHARED_SCRIPT = '"${CLAUDE_CONFIG_DIR:-$HOME/.claude}/akosha/bin/akosha-hook.sh"'


def quoted(path: Path) -> str:
    """`path` in double quotes, as a POSIX shell reads them."""
    text = str(path)
    for character in '\\"$`':
        text = text.replace(character, "\\" + character)
    return f'"{text}"'


def unquoted(text: str) -> str | None:
    """The path that `quoted` put at the start of `text`; None where none is."""
    found = re.match(r'"((?:[^"\\]|\\.)*)"', text)
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found else None
