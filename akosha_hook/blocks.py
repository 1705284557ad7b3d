"""A file's blocks on DuckDB's grid: which bytes are where, by hash.

DuckDB keeps 12 KiB of headers, then blocks of 256 KiB. A change touches whole blocks, and a
checkpoint moves some: cut on that grid, what did not change is found wherever it went.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from akosha_hook import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEADER_BYTES = 12_288
BLOCK_BYTES = 262_144
# A block's SHA-256, cut to 128 bits: what is put together is checked by its whole SHA-256.
HASH_BYTES = 16
_MAGIC = b"akosha-blocks 1\n"


def offsets(size: int) -> Iterator[tuple[int, int]]:
    """Start and length of every block of a file of `size` bytes, the headers being the first."""
    start = 0
    while start < size:
        length = min(HEADER_BYTES if start == 0 else BLOCK_BYTES, size - start)
        yield start, length
        start += length


class Blocks:
    """Takes a file's bytes in order, in pieces of any size; `hashes` is the result."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._left = HEADER_BYTES
        self._digest = hashlib.sha256()
        self._empty = True

    def update(self, data: memoryview) -> None:
        while data:
            piece = data[: self._left]
            self._digest.update(piece)
            self._empty = False
            self._left -= len(piece)
            data = data[len(piece) :]
            if not self._left:
                self._close()

    def hashes(self) -> bytes:
        """HASH_BYTES for every block, in order."""
        if not self._empty:
            self._close()
        return bytes(self._hashes)

    def _close(self) -> None:
        self._hashes += self._digest.digest()[:HASH_BYTES]
        self._digest = hashlib.sha256()
        self._left = BLOCK_BYTES
        self._empty = True


def save(path: Path, sha256: str, size: int, hashes: bytes) -> None:
    """Keep the block hashes of the file with that hash and size."""
    files.write_atomic(path, _MAGIC + f"{sha256} {size}\n".encode() + hashes)


def load(path: Path, sha256: str, size: int) -> bytes | None:
    """The hashes kept for that very file; None where they are not there or not whole."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    beginning = _MAGIC + f"{sha256} {size}\n".encode()
    hashes = data[len(beginning) :]
    count = sum(1 for _ in offsets(size))
    if not data.startswith(beginning) or len(hashes) != count * HASH_BYTES:
        files.set_aside(path)
        return None
    return hashes
