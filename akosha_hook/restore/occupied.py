"""What stands where a database is to be put.

Only a database of the same kind is replaced without being asked.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.snapshot.kinds import HEAD_BYTES, kind_of_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


DATABASES = {"duckdb": "a DuckDB database", "sqlite": "a SQLite database"}
DIRECTORY = "a directory, and no database"
OTHER_FILE = "another kind of file, and no database"


def refuse(directory: Path, databases: Mapping[str, str], *, force: bool) -> None:
    """Raise AkoshaHookError where something else than a database of its kind stands at a name.

    `databases` are the kinds of those that are to be put there, by name. With `force`, a link, a
    pipe or another file is moved aside like a database; a directory never.
    """
    for name, kind in databases.items():
        what = _what(directory / name, kind)
        if what and (not force or what == DIRECTORY):
            raise AkoshaHookError(
                f"{directory / name} is {what}.",
                hint="Move it away, or restore elsewhere with --to DIR."
                + ("" if what == DIRECTORY else " --force moves it aside."),
            )


def _what(path: Path, kind: str) -> str:
    """What stands there; "" for a database of that kind, an empty file, or nothing."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ""
    except OSError:
        return "something that cannot be looked at, and no database"
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link, and no database"
    if stat.S_ISDIR(status.st_mode):
        return DIRECTORY
    if not stat.S_ISREG(status.st_mode):
        return "a pipe or a device, and no database"
    return _what_file(path, kind)


def _what_file(path: Path, kind: str) -> str:
    # It may have become something else since: nothing is followed, and no pipe is waited for.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return OTHER_FILE
    try:
        head = os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
    found = kind_of_bytes(head)
    if not head or found == kind:
        return ""
    if found is None:
        return OTHER_FILE
    return f"{DATABASES[found]}, and what was stored is {DATABASES[kind]}"
