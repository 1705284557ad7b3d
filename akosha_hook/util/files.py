"""Files that survive a crash and stay private: atomic writes, modes, locks, corrupt files set aside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
ABANDONED_SECONDS = 3600
# A receipt with the 10,000 parts of an upload that was cut off has some 2 MB.
MAX_BYTES = 32 * 1024 * 1024


def private_directory(path: Path) -> Path:
    """Make `path` and its parents, readable by the user only; a looser mode is tightened."""
    path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    if stat.S_IMODE(path.stat().st_mode) != DIRECTORY_MODE:
        path.chmod(DIRECTORY_MODE)
    return path


def tighten(directory: Path) -> tuple[Path, ...]:
    """Close what is in `directory`, and itself, to other users; what had been open to them.

    Symlinks are left alone, and so is `bin`, whose program may be run by anybody.
    """
    if not directory.is_dir():
        return ()
    found = [directory]
    for name in os.listdir(directory):  # noqa: PTH208 - names are all that is needed
        path = directory / name
        found.append(path)
        if name in {"outbox", "receipts", "snapshots"} and path.is_dir() and not path.is_symlink():
            found += path.iterdir()
    return tuple(path for path in found if path.name != "bin" and _closed(path))


def _closed(path: Path) -> bool:
    with contextlib.suppress(OSError):
        mode = path.lstat().st_mode
        if mode & 0o077 and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            path.chmod(mode & 0o700)
            return True
    return False


def sync_directory(path: Path) -> None:
    """Make a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """Replace `path` by `data` so that a reader, or a crash, sees the old or the new file whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
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


def remove_abandoned(directory: Path) -> None:
    """Remove what a `write_atomic` that was killed left in `directory`."""
    try:
        found = [path for path in directory.iterdir() if path.name.endswith(".tmp")]
    except OSError:
        return
    for path in found:
        *_, pid, _, _ = path.name.rsplit(".", 3)
        if path.name.startswith(".") and pid.isdecimal() and not _is_writing(path, int(pid)):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_writing(temporary: Path, pid: int) -> bool:
    """Whether process `pid` may still be at it; a write never takes an hour, and pids come back."""
    try:
        os.kill(pid, 0)
        return abs(time.time() - temporary.stat().st_mtime) < ABANDONED_SECONDS
    except (ProcessLookupError, FileNotFoundError, OverflowError):
        return False
    except OSError:
        return True


def write_json(path: Path, value: object) -> None:
    """`write_atomic` of `value` as indented JSON."""
    encoded = msgspec.json.encode(value, enc_hook=_path_as_text)
    write_atomic(path, msgspec.json.format(encoded, indent=2) + b"\n")


def read_json(path: Path, type: type[T]) -> T | None:  # noqa: A002 - msgspec's own name for it
    """The JSON document in `path`; None where it is missing.

    One that cannot be read as `type` is renamed to `<name>.corrupt` and counts as missing: our
    state can be rebuilt, and a user may want to look at what was there.
    """
    try:
        data = read_bounded(path)
        return msgspec.json.decode(data, type=type, dec_hook=_text_as_path)
    except OSError:
        return None
    except (msgspec.DecodeError, ValueError, RecursionError):
        set_aside(path)
        return None


def peek_json(path: Path, type: type[T]) -> T | None:  # noqa: A002 - msgspec's own name for it
    """The JSON document in `path`; None where it is missing, or cannot be read as `type`."""
    try:
        return msgspec.json.decode(read_bounded(path), type=type, dec_hook=_text_as_path)
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return None


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file; raises OSError, and ValueError for one longer than `limit`.

    Whatever has the name, this neither waits for a pipe nor reads a device.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NONBLOCK | os.O_CLOEXEC)

    with open(path, "rb", opener=opener) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError(f"{path.name} is no file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{path.name} is longer than {limit:,} bytes")
    return data


def _path_as_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _text_as_path(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError


def set_aside(path: Path) -> Path | None:
    """Rename a file that cannot be used to `<name>.corrupt`; None where even that is impossible."""
    aside = path.with_name(path.name + ".corrupt")
    try:
        path.replace(aside)
    except OSError:
        return None
    return aside


def remove_tree(path: Path) -> None:
    """Remove a directory of ours; one that is gone or not removable is left to the next run."""
    shutil.rmtree(path, ignore_errors=True)


class Lock:
    """An advisory kernel lock on a file: gone with the process that holds it, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody has it; False if somebody has."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
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
    def waiting(self, *, poll_seconds: float = 0.2) -> Iterator[None]:
        """Hold the lock inside the block, however long it takes to get it."""
        while not self.acquire():
            time.sleep(poll_seconds)
        try:
            yield
        finally:
            self.release()
