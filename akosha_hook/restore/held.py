"""Which process has a database open that is to be replaced, as far as can be told."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from akosha_hook.snapshot.kinds import kind_of
from akosha_hook.snapshot.owner import owner

PROCESSES = Path("/proc")


def holder(database: Path) -> int | None:
    """The process that has the database open; None where nobody has, or it cannot be told.

    By its lock: DuckDB holds one while it has a database open, SQLite in WAL mode too. In rollback
    mode SQLite locks a database only while it reads or writes, so there the open files of the user's
    processes are looked at, which Linux shows.
    """
    pid = owner(database)
    if pid is None and kind_of(database) == "sqlite":
        pid = _opener(os.path.realpath(database))
    return pid


def _opener(path: str) -> int | None:
    """The first other process of which a file descriptor leads to `path`."""
    with contextlib.suppress(OSError):
        for process in PROCESSES.iterdir():
            is_another = process.name.isdecimal() and int(process.name) != os.getpid()
            if is_another and _has_open(process / "fd", path):
                return int(process.name)
    return None


def _has_open(descriptors: Path, path: str) -> bool:
    with contextlib.suppress(OSError):  # another user's, or ended meanwhile
        for each in descriptors.iterdir():
            with contextlib.suppress(OSError):
                # What the link says, without following it: nothing is waited for.
                if os.readlink(each) == path:  # noqa: PTH115
                    return True
    return False
