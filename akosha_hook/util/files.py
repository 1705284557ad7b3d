"""Files that survive a crash and stay private: atomic writes, modes, bounded reads, corrupt files."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import msgspec

from akosha_hook.util import checksum
from akosha_hook.util.temporary import temporary_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
logger = logging.getLogger(__name__)

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
# Permissions of group and others.
OTHERS = 0o077
# A receipt with the 10,000 parts of an upload that was cut off has some 2 MB.
MAX_BYTES = 32 * 1024 * 1024


def is_disk_error(error: OSError) -> bool:
    """Whether the disk is full, or may not be written."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


def private_directory(path: Path) -> Path:
    """Make `path` and its parents, readable by the user only; a looser mode is tightened."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != DIRECTORY_MODE:
        path.chmod(DIRECTORY_MODE)
    return path


class LooseMode(NamedTuple):
    """A file or directory of ours that others could use, and the mode it had then."""

    path: Path
    mode: int


def tighten(directory: Path) -> tuple[LooseMode, ...]:
    """Take group's and others' permissions from `directory` and everything in it.

    Returns what had any. Symlinks and other users' files are left alone, and so are the programs
    in `bin`: they stay executable, and the directory above keeps others out.
    """
    return tuple(
        LooseMode(path, mode)
        for path in everything(directory)
        if path.parent != directory / "bin" and (mode := _closed(path)) is not None
    )


def everything(top: Path) -> Iterator[Path]:
    """`top`, where it is a directory, and all that is in it; symlinks are not followed."""
    if not top.is_dir():
        return
    yield top
    for directory, folders, names in os.walk(top):
        for name in (*folders, *names):
            yield Path(directory, name)


def _closed(path: Path) -> int | None:
    """The mode that `path` had, where it had to be changed."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode) or status.st_uid != os.getuid() or not mode & OTHERS:
            return None
        path.chmod(mode & ~OTHERS)
        return mode
    return None


def sync_directory(path: Path) -> None:
    """Make a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Replace the file `path` so that readers, even after a crash, see all of the old or the new."""
    temporary = temporary_beside(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_json(path: Path, value: object) -> None:
    """`write_atomic` of `value` as indented JSON."""
    write_atomic(path, _as_json(value) + b"\n")


def write_checked_json(path: Path, value: object) -> None:
    """`write_json` of an object, with a checksum that `read_json` and `peek_json` compare."""
    write_atomic(path, checksum.with_checksum(_as_json(value)))


def _as_json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_path_as_text), indent=2)


class ChecksumError(ValueError):
    """A file that is not as it was written: its checksum does not fit."""


def read_json(path: Path, type: type[T]) -> T | None:  # noqa: A002 - msgspec's own name for it
    """The JSON document in `path`; None where it is missing.

    One that cannot be read as `type`, or whose checksum does not fit, is renamed to
    `<name>.corrupt` and counts as missing: our state can be rebuilt, and the user may want to look
    at it.
    """
    try:
        return _decoded(path, type)
    except OSError:
        return None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        if isinstance(error, ChecksumError):
            logger.warning("%s was altered: its checksum does not fit", path.name)
        set_aside(path)
        return None


def peek_json(path: Path, type: type[T]) -> T | None:  # noqa: A002 - msgspec's own name for it
    """What `read_json` reads; the file stays where it is, whatever it holds."""
    try:
        return _decoded(path, type)
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return None


def stamps(paths: Iterable[Path]) -> tuple[str, ...]:
    """A line for each of the files that exist; a line changes when somebody writes its file."""
    lines = []
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            status = path.stat()
            lines.append(f"{path} {status.st_ino} {status.st_size} {status.st_mtime_ns}")
    return tuple(lines)


def _decoded(path: Path, type: type[T]) -> T:  # noqa: A002 - msgspec's own name for it
    data = read_bounded(path)
    value = msgspec.json.decode(data, type=type, dec_hook=_text_as_path)
    if not checksum.fits(data):
        raise ChecksumError
    return value


class NotRegularError(ValueError):
    """What has the name is not a regular file; `kind` says what it is."""

    def __init__(self, path: Path, kind: Literal["directory", "symlink", "special file"]) -> None:
        super().__init__(f"{path.name} is a {kind}, not a regular file")
        self.kind = kind


class TooLargeError(ValueError):
    """A file longer than `limit` bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(f"{path.name} is longer than {limit:,} bytes")
        self.limit = limit


def read_bounded(
    path: Path, limit: int = MAX_BYTES, *, first: int | None = None, follow: bool = True
) -> bytes:
    """The bytes of a regular file, or only the `first` of them; never waits for a pipe or device.

    Raises TooLargeError for a file longer than `limit`, NotRegularError for anything but a file
    (and, unless `follow`, for a symlink), and OSError where it is missing or cannot be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if not follow and path.is_symlink():
            raise NotRegularError(path, "symlink") from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind: Literal["directory", "special file"] = (
                "directory" if stat.S_ISDIR(status.st_mode) else "special file"
            )
            raise NotRegularError(path, kind)
        if status.st_size > limit:
            raise TooLargeError(path, limit)
        data = _read(descriptor, limit + 1 if first is None else first, status.st_size)
    finally:
        os.close(descriptor)
    if len(data) > limit:  # it has grown meanwhile, or tells no size, as in /proc
        raise TooLargeError(path, limit)
    return data


def _read(descriptor: int, count: int, size: int) -> bytes:
    """Up to `count` bytes of a file that says it has `size`.

    One request is enough for nearly every file, and no more memory is set aside than it needs.
    """
    data = os.read(descriptor, min(count, size + 1))
    while 0 < len(data) < count and len(data) != size:
        if not (more := os.read(descriptor, min(count - len(data), 1 << 20))):
            break
        data += more
    return data


# msgspec calls these for types that it does not know; NotImplementedError is its word for "nor do I".
def _path_as_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _text_as_path(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError


def set_aside(path: Path) -> Path | None:
    """Rename an unusable file to `<name>.corrupt`; returns None if even that is impossible."""
    aside = path.with_name(path.name + ".corrupt")
    try:
        path.replace(aside)
    except OSError:
        return None
    return aside


def remove_tree(path: Path) -> None:
    """Remove a directory of ours; one that cannot be removed is left to the next run."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
