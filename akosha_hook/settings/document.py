"""A settings file as flat keys with lines, read in bounded time and memory."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_048_576
MAX_DEPTH = 32


class UnreadableError(Exception):
    """A file that cannot be used at all; the text is one line that names it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One top-level key. `first_line` is set where the key stands a second time."""

    key: str
    value: object
    line: int | None
    first_line: int | None = None


def place(path: Path, line: int | None = None) -> str:
    """`file:line` for a message."""
    name = one_line(str(path), 1024)
    return f"{name}:{line}" if line else name


def unreadable(path: Path, reason: str, line: int | None = None) -> UnreadableError:
    return UnreadableError(f"{place(path, line)}: {one_line(reason, 200)}")


def read_text(path: Path, *, follow: bool = True, limit: int = MAX_BYTES) -> str | None:
    """The text of a regular file; None where it is missing.

    Never blocks on a pipe or device, never reads more than `limit` bytes. `follow=False` refuses
    a symlink, for files in somebody else's repository.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        if not follow and path.is_symlink():
            raise unreadable(path, "is a symlink, which is not followed here") from error
        raise unreadable(path, f"cannot be read: {_why(error)}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            what = "is a directory, not a file" if stat.S_ISDIR(mode) else "is not a regular file"
            raise unreadable(path, what)
        data = _read(descriptor, limit + 1)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {_why(error)}") from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise unreadable(path, f"is larger than {limit // 1024} KiB, more than settings need")
    return _decoded(path, data)


def _read(descriptor: int, limit: int) -> bytes:
    data = b""
    while len(data) < limit and (more := os.read(descriptor, limit - len(data))):
        data += more
    return data


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(path, "is not UTF-8 text", line) from error
