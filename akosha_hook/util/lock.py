"""Advisory locks on files, held by the kernel: gone with the process that holds one, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from akosha_hook.util.files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Lock:
    """An exclusive lock on a file, which is created if missing, but never through a symlink."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody has it; False if somebody has."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Hold the lock inside the block, however long it takes to get it.

        The kernel wakes us when it is free. Raises OSError on filesystems without locks.
        """
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
