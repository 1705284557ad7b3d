"""A settings file as flat keys with lines, read in bounded time and memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from akosha_hook.util import files
from akosha_hook.util.text import one_line

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_LINKS = 40

# What lies there is another file in each process, as `/proc/self/cwd` is.
_PER_PROCESS = frozenset({"/proc", "/dev/fd"})

_NOT_REGULAR = {
    "directory": "is a directory, not a file",
    "symlink": "is a symlink, which is not followed here",
    "special file": "is not a regular file",
}


class UnreadableError(Exception):
    """A file that cannot be used at all; the text is one line that names it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. `first_line` is set if the key was already set on that line.

    `group` is the mapping at the top level that it was found in; `key` then has it in front.
    """

    key: str
    value: object
    line: int | None
    first_line: int | None = None
    group: str = ""


def place(path: Path, line: int | None = None) -> str:
    """`file:line` for a message."""
    name = one_line(str(path), 1024)
    return f"{name}:{line}" if line else name


def unreadable(path: Path, reason: str, line: int | None = None) -> UnreadableError:
    return UnreadableError(f"{place(path, line)}: {one_line(reason, 200)}")


def read_text(path: Path, *, follow: bool = True, limit: int = MAX_BYTES) -> str | None:
    """The text of a regular file; None where it is missing. Raises UnreadableError.

    `follow=False` refuses a symlink, for files in somebody else's repository.
    """
    try:
        return _decoded(path, files.read_bounded(path, limit, follow=follow))
    except FileNotFoundError:
        return None
    except files.NotRegularError as error:
        raise unreadable(path, _NOT_REGULAR[error.kind]) from error
    except files.TooLargeError as error:
        reason = f"is larger than {limit // 1024} KiB, more than settings need"
        raise unreadable(path, reason) from error
    except (OSError, ValueError) as error:
        raise unreadable(path, f"cannot be read: {_why(error)}") from error


def follow(path: Path) -> Path:
    """`path`, absolute, without symlinks; what does not exist is left as it is.

    Raises UnreadableError where the path would lead another process elsewhere, or has no end.
    """
    at = "/"
    pending = list(reversed(path.parts[1:]))
    links = 0
    while pending:
        part = pending.pop()
        at = os.path.dirname(at) if part == ".." else os.path.join(at, part)  # noqa: PTH118, PTH120
        if at in _PER_PROCESS:
            raise unreadable(path, f"leads through {at}, which differs from process to process")
        try:
            target = os.readlink(at)  # noqa: PTH115 - a path would lose a slash at the end
        except (OSError, ValueError):
            continue  # no link, or nothing there
        links += 1
        if links > MAX_LINKS:
            raise unreadable(path, "is a symlink that leads nowhere")
        at = "/" if target.startswith("/") else os.path.dirname(at)  # noqa: PTH120
        pending.extend(reversed([each for each in target.split("/") if each not in {"", "."}]))
    return Path(at)


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "such a file cannot exist"


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise unreadable(path, "is not UTF-8 text", line) from error
