"""Block hashes: what a delta is computed against."""

from __future__ import annotations

import random

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
