"""What stands where a database is to be put: only a database is replaced without being asked."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.snapshot.kinds import HEAD_BYTES, kind_of_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def refuse(directory: Path, databases: Iterable[str], *, force: bool) -> None:
    """Raise AkoshaHookError where something else than a database stands at one of the names.

    With `force`, a link, a pipe or another file is moved aside like a database; a directory never.
    """
    for name in databases:
        what = _what(directory / name)
        if what and (not force or what == "a directory"):
            raise AkoshaHookError(
                f"{directory / name} is {what}, and no database.",
                hint="Move it away, or restore elsewhere with --to DIR."
                + ("" if what == "a directory" else " --force moves it aside."),
            )


def _what(path: Path) -> str:
    """What stands there; "" for a database, an empty file, or nothing."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ""
    except OSError:
        return "something that cannot be looked at"
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link"
    if stat.S_ISDIR(status.st_mode):
        return "a directory"
    if not stat.S_ISREG(status.st_mode):
        return "a pipe or a device"
    return "" if _is_database(path) else "another kind of file"


def _is_database(path: Path) -> bool:
    # It may have become something else since: nothing is followed, and no pipe is waited for.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return False
    try:
        head = os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)
    return not head or kind_of_bytes(head) is not None
