from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.format import pack


@pytest.mark.parametrize("size", [0, 1, pack.MEMBER_BYTES, pack.MEMBER_BYTES * 3 + 17])
@pytest.mark.parametrize("compress", [True, False])
def test_what_is_packed_comes_back(tmp_path: Path, size: int, compress: bool) -> None:
    path = tmp_path / "file"
    plain = random.Random(size).randbytes(size // 2) + b"a" * (size - size // 2)
    path.write_bytes(plain)
    seen: list[int] = []
    stored = b"".join(pack.packed(pack.read_blocks(path), compress=compress, on_read=seen.append))
    assert (gzip.decompress(stored) if compress else stored) == plain
    assert sum(seen) == size


def test_packing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """An interrupted upload is continued by packing again; a time in the header would break it."""
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(3_000_000))
    first = b"".join(pack.packed(pack.read_blocks(path), compress=True))
    assert first == b"".join(pack.packed(pack.read_blocks(path), compress=True))
    assert first[4:8] == b"\0\0\0\0"


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
def test_parts_are_equal_but_for_the_last(pieces: list[bytes], size: int) -> None:
    cut = list(pack.parts(pieces, size))
    assert b"".join(cut) == b"".join(pieces)
    assert all(len(part) == size for part in cut[:-1])
    assert 0 < len(cut[-1]) <= size or cut == [b""]
