"""Sets of files as Session-Buddy and Claude Code leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from akosha_hook.snapshot.sets import FileSet


def write(root: Path, **files: str) -> None:
    """Files below `root`; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def session_files(root: Path) -> FileSet:
    """A set of two files in `root`."""
    write(root, sessions__s1__state="one", handoffs__h="two")
    return FileSet("session-files", root)


def meanwhile(action: Callable[[], object], *, once: bool = True) -> Callable[[], object]:
    """`action`, for `on_read`: it is called for every piece that is written, and acts at the first."""
    calls: list[None] = []

    def called() -> None:
        if not calls or not once:
            calls.append(None)
            action()

    return called
