"""The hook script and the interpreter file: what every hook of ours runs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.install.plan import Change, Content, PlanError, read
from akosha_hook.paths import shipped

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

PART = "script"
SHIPPED = "hooks/akosha-hook.sh"

# Where tools keep environments that they may delete at any time, and what to type instead.
_THROWAWAY = (
    (
        re.compile(r"/(?:archive|builds|environments)-v\d+/"),
        "uvx",
        "uv tool install akosha-hook && akosha-hook install",
    ),
    (
        re.compile(r"/pipx/\.cache/|/\.cache/pipx/|/Caches/pipx/"),
        "pipx run",
        "pipx install akosha-hook && akosha-hook install",
    ),
    (
        re.compile(r"/pre-commit/repo[^/]*/py_env-|/prek/hooks/"),
        "a hook manager's cache",
        "pip install akosha-hook && akosha-hook install",
    ),
)


def changes(paths: Paths, executable: str = sys.executable) -> tuple[Change, ...]:
    """The script, unchanged, and the interpreter's path.

    Raises PlanError where the running environment would not outlive this command.
    """
    refuse_throwaway(executable)
    script = Content(shipped(SHIPPED).read_bytes(), 0o755)
    interpreter = Content(os.fsencode(executable) + b"\n", 0o600)
    return (
        Change(paths.hook_script, read(paths.hook_script), script, PART, "script"),
        Change(paths.interpreter, read(paths.interpreter), interpreter, PART, "script"),
    )


def present(paths: Paths) -> tuple[Change, ...]:
    """Both files, unchanged: for a record that was lost."""
    contents = ((path, read(path)) for path in (paths.hook_script, paths.interpreter))
    return tuple(Change(path, now, now, PART, "script") for path, now in contents if now)


def refuse_throwaway(executable: str) -> None:
    """Raise PlanError where `executable` is in a cache that its tool may empty."""
    for path in (executable, os.path.realpath(Path(executable).parent)):
        for pattern, tool, instead in _THROWAWAY:
            if pattern.search(f"{path}/"):
                raise PlanError(
                    f"This akosha-hook runs from a throwaway environment ({tool}): the hooks would "
                    f"outlive the interpreter they need, {executable}.",
                    hint=instead,
                )


def remove(_data: bytes, _original: bytes | None) -> bytes | None:
    """Both files are ours alone, whatever they hold."""
    return None
