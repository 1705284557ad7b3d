"""Our block of shell code in a git hook: writing it, recognising it, removing it."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from akosha_hook.hook.event import REPOSITORY_EVENTS
from akosha_hook.install.plan import Content, PlanError
from akosha_hook.install.shell import SHARED_SCRIPT, quoted, unquoted
from akosha_hook.paths import shipped

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = tuple(sorted(REPOSITORY_EVENTS))
MODE = 0o755

_BLOCK = re.compile(
    rb"^# >>> akosha-hook\b.*?^# <<< akosha-hook[^\n]*(?:\n|\Z)", re.MULTILINE | re.DOTALL
)
_SHELL = re.compile(
    rb"#![ \t]*(?:\S*/)?(?:env[ \t]+)?(?:ba|da|k|z|a)?sh(?:[ \t]|\r?$)", re.MULTILINE
)


def kept_name(event: str) -> str:
    """The name under which the hook that was there before ours is kept."""
    return f"{event}.before-akosha-hook"


def script_expression(script: Path, *, shared: bool) -> str:
    """How a hook names the script: absolute, or, in a file that others share, by HOME."""
    return SHARED_SCRIPT if shared else quoted(script)


def hook(expression: str, event: str) -> Content:
    """A git hook that does nothing but report `event`."""
    return Content(_filled("git-hook.sh", expression, event), MODE)


def chained(expression: str, event: str) -> Content:
    """A git hook that runs the one that was there before, then reports `event`."""
    return Content(_filled("git-hook-chained.sh", expression, event), MODE)


def inserted(data: bytes, expression: str, event: str) -> bytes:
    """The shell script `data` with our block at its top, where no `exit` can come before it."""
    block = _filled("git-hook-line.sh", expression, event)
    if has_block(data):
        return renewed(data, expression, event)
    if not data.startswith(b"#!"):
        return block + data
    first, _, rest = data.partition(b"\n")
    return first + b"\n" + block + rest


def renewed(data: bytes, expression: str, event: str) -> bytes:
    """`data` with its block, of whichever kind, as this version would write it."""
    current = _BLOCK.search(data)
    assert current is not None
    if kept_name(event).encode() in current.group():
        template = "git-hook-chained.sh"
    elif b"</dev/null" in current.group():
        template = "git-hook-line.sh"
    else:
        template = "git-hook.sh"
    block = _BLOCK.search(_filled(template, expression, event))
    assert block is not None
    return data[: current.start()] + block.group() + data[current.end() :]


def _filled(template: str, expression: str, event: str) -> bytes:
    text = shipped(f"templates/{template}").read_text()
    text = text.replace("@KEPT@", kept_name(event)).replace("@EVENT@", shlex.quote(event))
    try:
        return text.replace("@SCRIPT@", expression).encode()
    except UnicodeEncodeError as error:
        raise PlanError("The path of the hook script is not UTF-8.") from error


def has_block(data: bytes) -> bool:
    """Whether a hook holds our block."""
    return _BLOCK.search(data) is not None


def named_script(data: bytes) -> str | None:
    """The script that our block in a hook names; None where it names it by HOME."""
    block = _BLOCK.search(data)
    named = re.search(rb'^akosha=("/.*")$', block.group(), re.MULTILINE) if block else None
    return unquoted(os.fsdecode(named.group(1))) if named else None


def is_shell(data: bytes) -> bool:
    """Whether a hook is a shell script, by its first line."""
    return _SHELL.match(data) is not None


def remove(data: bytes, original: bytes | None) -> bytes | None:
    """`data` without our block; None where only the first line of a file that we created is left."""
    rest = _BLOCK.sub(b"", data)
    return None if rest != data and original is None and _is_blank(rest) else rest


def _is_blank(script: bytes) -> bool:
    return not (_SHELL.sub(b"", script, count=1) if is_shell(script) else script).strip()
