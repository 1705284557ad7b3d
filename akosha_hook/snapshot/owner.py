"""Who holds a DuckDB file: its POSIX lock, asked for without taking it."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

POLL_SECONDS = 0.1

# struct flock, in the order of fields of the C library it comes from.
_DARWIN = "qqihh"
_LINUX = "hhqqi4x"


def owner(path: Path) -> int | None:
    """The pid that has `path` open in DuckDB; None when nobody has, or it cannot be told.

    Must not run in the owner's own process: closing the file would drop the owner's lock.
    """
    try:
        # A pipe of that name would have us wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if sys.platform == "darwin":
            request = struct.pack(_DARWIN, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
            answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, request)
            _, _, pid, kind, _ = struct.unpack(_DARWIN, answer)
        else:
            request = struct.pack(_LINUX, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, request)
            kind, _, _, _, pid = struct.unpack(_LINUX, answer)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(pid)


def wait_until_free(paths: Iterable[Path], *, seconds: float) -> bool:
    """Wait up to `seconds` for every owner to let go; False if one still holds on."""
    deadline = time.monotonic() + seconds
    waiting = list(paths)
    while waiting := [path for path in waiting if owner(path) is not None]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
