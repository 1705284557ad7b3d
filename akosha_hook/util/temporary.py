"""Temporary files that are to replace others: their names, and which of them were abandoned."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ABANDONED_SECONDS = 3600
# By how much a file server's clock may be ahead of ours.
CLOCK_SECONDS = 60
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]{1,20})\.[0-9a-f]{8}\.tmp")


def temporary_beside(path: Path) -> Path:
    """A new name for what is to replace `path`; `remove_abandoned` knows it."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")


def is_temporary(name: str) -> bool:
    """Whether a file of that name is a temporary one of ours."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_abandoned(directory: Path, name: str | None = None) -> None:
    """Remove temporary files in `directory` that a killed writer left there.

    With `name` only those that were to become that file: the directory is not ours.
    """
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names are all that is needed
    except OSError:
        return
    for each in names:
        match = _TEMPORARY.fullmatch(each)
        if match is None or name not in {None, match["name"]}:
            continue
        if not _is_writing(directory / each, int(match["pid"])):
            with contextlib.suppress(OSError):
                (directory / each).unlink()


def _is_writing(temporary: Path, pid: int) -> bool:
    """Whether process `pid` may still be writing it.

    No write takes an hour, and pids are reused, by other users too.
    """
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's process: with sudo even that can be the writer
    except (OSError, OverflowError):
        return False
    return not is_abandoned(temporary)


def is_abandoned(path: Path) -> bool:
    """Whether nobody can still be at work on `path`: it is gone, an hour old, or of the future.

    What lies ahead of the clock was written before the clock was set back.
    """
    try:
        age = time.time() - path.lstat().st_mtime
    except OSError:
        return True
    return not -CLOCK_SECONDS < age < ABANDONED_SECONDS
