"""Copying a file and hashing it in one pass, the hashes beside each other on other cores."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from akosha_hook.blocks import Blocks
from akosha_hook.files import FILE_MODE

if TYPE_CHECKING:
    from pathlib import Path

BUFFER_BYTES = 1024 * 1024
AHEAD = 4


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


def copy_and_hash(source: Path, target: Path, size: int) -> Copied:
    """Copy the first `size` bytes of `source`.

    Raises FileNotFoundError where fewer bytes are there: the file was replaced.
    """
    digest, blocks = hashlib.sha256(), Blocks()
    hashers = (_Hasher(digest), _Hasher(blocks))
    try:
        _copy(source, target, size, hashers)
    finally:
        for hasher in hashers:
            hasher.finish()
    return Copied(digest.hexdigest(), blocks.hashes())


def _copy(source: Path, target: Path, size: int, hashers: tuple[_Hasher, ...]) -> None:
    left = size
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with source.open("rb", buffering=0) as reader, os.fdopen(descriptor, "wb") as writer:
        while left:
            piece = reader.read(min(left, BUFFER_BYTES))
            if not piece:
                raise FileNotFoundError(source)
            for hasher in hashers:
                hasher.put(piece)
            writer.write(piece)
            left -= len(piece)


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes as hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
