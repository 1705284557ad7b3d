"""Opening what lies beneath a directory, and nothing that a link beneath it leads to."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

from akosha_hook.util.files import DIRECTORY_MODE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC


class Beneath:
    """Descriptors of directories beneath `root`; the one opened last stays open for the next call.

    `root` itself may be a link, and is followed. Raises OSError where it cannot be opened.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _DIRECTORY)
        self._parts: tuple[str, ...] = ()
        self._last = self._root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._forget()
        os.close(self._root)

    def directory(self, parts: Sequence[str], *, create: bool = False) -> int:
        """A descriptor of the directory at that path, valid until the next call.

        With `create`, what is missing of it is made. Raises OSError where a component is missing, a
        link or no directory.
        """
        wanted = tuple(parts)
        if wanted == self._parts:
            return self._last
        self._forget()
        current = self._root
        for part in wanted:
            try:
                if create:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, DIRECTORY_MODE, dir_fd=current)
                below = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            finally:
                if current != self._root:
                    os.close(current)
            current = below
        self._parts, self._last = wanted, current
        return current

    def open(self, parts: Sequence[str]) -> int:
        """A descriptor to read the file at that path; what is no regular file is not waited for.

        Raises OSError as `directory` does, and where the file cannot be opened or is a link.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(parts[-1], flags, dir_fd=self.directory(parts[:-1]))

    def _forget(self) -> None:
        if self._last != self._root:
            os.close(self._last)
        self._parts, self._last = (), self._root
