"""A file's blocks: which bytes are where, by hash.

DuckDB keeps 12 KiB of headers, then blocks of 256 KiB, and a checkpoint moves whole ones. Blocks of
4 KiB lie on that grid wherever one went, and inside a block that was written again most of them are
what they were: ten new rows touch 8-16 % of a 45 MB file in blocks of 256 KiB, 2 % in these.
"""

from __future__ import annotations

import hashlib

BLOCK_BYTES = 4_096
# A block's SHA-256, cut to 128 bits: what is put together is checked by its whole SHA-256.
HASH_BYTES = 16


def count(size: int) -> int:
    """The blocks of a file of `size` bytes; the last one may be short."""
    return -(-size // BLOCK_BYTES)


class Blocks:
    """Takes a file's bytes in order, in pieces of any size; `hashes` is the result."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._rest = b""

    def update(self, data: memoryview) -> None:
        if self._rest:
            data = memoryview(self._rest + data)
        whole = len(data) - len(data) % BLOCK_BYTES
        for start in range(0, whole, BLOCK_BYTES):
            self._hashes += _hash(data[start : start + BLOCK_BYTES])
        self._rest = bytes(data[whole:])

    def hashes(self) -> bytes:
        """HASH_BYTES for every block, in order."""
        return bytes(self._hashes) + (_hash(self._rest) if self._rest else b"")


def _hash(block: memoryview | bytes) -> bytes:
    return hashlib.sha256(block).digest()[:HASH_BYTES]
