"""Copying a file and hashing it in one pass, with the hashes computed in parallel threads.

Where the filesystem lets two files share their bytes (btrfs, XFS), nothing is copied.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from akosha_hook.format.blocks import Blocks
from akosha_hook.util.files import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BUFFER_BYTES = 1024 * 1024
AHEAD = 4
# Linux, ioctl_ficlone(2).
FICLONE = 0x40049409


@dataclass(frozen=True, slots=True)
class Copied:
    """SHA-256 of the bytes as hex, and the hashes of their blocks (see `blocks`)."""

    sha256: str
    blocks: bytes


class _Digest(Protocol):
    def update(self, data: memoryview, /) -> object: ...


class _Hasher(threading.Thread):
    """Feeds a digest on a thread of its own; hashlib lets go of the interpreter meanwhile."""

    def __init__(self, digest: _Digest) -> None:
        super().__init__(daemon=True)
        self._digest = digest
        self._pieces: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self.start()

    def put(self, piece: bytes) -> None:
        self._pieces.put(piece)

    def finish(self) -> None:
        self._pieces.put(None)
        self.join()

    def run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._digest.update(memoryview(piece))


def copy_and_hash(
    source: Path, target: Path, size: int, *, on_read: Callable[[], object] | None = None
) -> Copied:
    """Copy the first `size` bytes of `source`; `on_read` is told of every piece that is read.

    Raises FileNotFoundError where fewer bytes are there: the file was replaced.
    """
    with source.open("rb", buffering=0) as reader, _create(target) as writer:
        if _share(reader, writer, size):
            return _hashed(_pieces(writer, size), on_read=on_read)
        return _hashed(_pieces(reader, size), copy_to=writer, on_read=on_read)


def write_and_hash(
    pieces: Iterable[bytes], target: Path, *, on_read: Callable[[], object] | None = None
) -> Copied:
    """Write the pieces to `target`; `on_read` is told of every one of them."""
    with _create(target) as writer:
        return _hashed(pieces, copy_to=writer, on_read=on_read)


def hash_again(path: Path) -> Copied:
    """The hashes of a copy made earlier."""
    with path.open("rb", buffering=0) as file:
        return _hashed(_pieces(file, os.fstat(file.fileno()).st_size))


def _create(target: Path) -> BinaryIO:
    return os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, FILE_MODE), "r+b")


def _share(source: BinaryIO, target: BinaryIO, size: int) -> bool:
    """Let `target` share the source's first `size` bytes; False where that cannot be had."""
    try:
        fcntl.ioctl(target, FICLONE, source.fileno())
    except OSError:
        return False
    if os.fstat(target.fileno()).st_size > size:
        os.ftruncate(target.fileno(), size)
    return True


def _hashed(
    pieces: Iterable[bytes],
    *,
    copy_to: BinaryIO | None = None,
    on_read: Callable[[], object] | None = None,
) -> Copied:
    digest, blocks = hashlib.sha256(), Blocks()
    hashers = (_Hasher(digest), _Hasher(blocks))
    try:
        for piece in pieces:
            for hasher in hashers:
                hasher.put(piece)
            if copy_to is not None:
                copy_to.write(piece)
            if on_read is not None:
                on_read()
    finally:
        for hasher in hashers:
            hasher.finish()
    return Copied(digest.hexdigest(), blocks.hashes())


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = source.read(min(left, BUFFER_BYTES))
        if not piece:
            raise FileNotFoundError(source.name)
        yield piece
        left -= len(piece)


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes as hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
