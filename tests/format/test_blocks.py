"""Block hashes: what a delta is computed against."""

from __future__ import annotations

import hashlib
import random

import pytest

from akosha_hook.format import blocks
from akosha_hook.format.blocks import BLOCK_BYTES as B


def test_block_hashes_do_not_depend_on_how_the_bytes_arrive() -> None:
    data = random.Random(4).randbytes(5 * B + 77)
    whole = blocks.Blocks()
    whole.update(memoryview(data))
    assert len(whole.hashes()) == blocks.count(len(data)) * blocks.HASH_BYTES
    for size in (1000, B, B + 1, 3 * B):
        pieces = blocks.Blocks()
        for start in range(0, len(data), size):
            pieces.update(memoryview(data)[start : start + size])
        assert pieces.hashes() == whole.hashes()


@pytest.mark.parametrize(("size", "count"), [(0, 0), (1, 1), (B, 1), (B + 1, 2), (10 * B, 10)])
def test_the_last_block_may_be_short(size: int, count: int) -> None:
    hasher = blocks.Blocks()
    hasher.update(memoryview(bytes(size)))
    assert blocks.count(size) == count
    assert len(hasher.hashes()) == count * blocks.HASH_BYTES


def test_each_block_has_the_beginning_of_its_own_sha256() -> None:
    """As docs/object-format.md says; the same block gives the same hash wherever it lies."""
    data = random.Random(1).randbytes(2 * B)
    hasher = blocks.Blocks()
    hasher.update(memoryview(data + data[:B] + b"end"))
    expected = [data[:B], data[B:], data[:B], b"end"]
    assert hasher.hashes() == b"".join(hashlib.sha256(each).digest()[:16] for each in expected)
