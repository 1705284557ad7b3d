"""How large what lies in a store may be: everything we write fits, and little more does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from akosha_hook.format import limits, pack
from akosha_hook.format.manifest import Delta, StoredFile
from tests.support.deltas import BLOCK, encode

MIB = 1024 * 1024
SIZES = (0, 1, 4096, MIB, 5 * MIB + 1)


def stored(size: int, *, compressed: bool = True, delta: Delta | None = None) -> StoredFile:
    return StoredFile(
        name="reflection.duckdb",
        database="reflection.duckdb",
        key="systems/laptop/uploads/u/reflection.duckdb",
        size=size,
        stored_size=0,
        sha256="0" * 64,
        compression="gzip" if compressed else "identity",
        delta=delta,
    )


def base(size: int) -> Delta:
    return Delta(base_key="systems/l/uploads/u/x", base_sha256="0" * 64, base_size=size)


def packed(path: Path, plain: bytes) -> int:
    path.write_bytes(plain)
    return len(b"".join(pack.packed(pack.read_blocks(path), compress=True)))


@pytest.mark.parametrize("size", SIZES)
def test_a_file_that_does_not_compress_fits(tmp_path: Path, size: int) -> None:
    length = packed(tmp_path / "file", random.Random(size).randbytes(size))
    assert length <= limits.max_stored(stored(size))
    assert length <= limits.max_stored_base(base(size))


@pytest.mark.parametrize("size", SIZES)
def test_a_file_stored_as_it_is_has_its_own_size(size: int) -> None:
    assert limits.max_plain(stored(size)) == size
    assert limits.max_stored(stored(size, compressed=False)) == size


@pytest.mark.parametrize("size", SIZES[2:])
def test_a_delta_whose_header_names_every_block_fits(tmp_path: Path, size: int) -> None:
    """Every second block is new: no delta of ours has a longer header for its file."""
    source = random.Random(size)
    before = source.randbytes(size)
    after = b"".join(
        source.randbytes(len(block)) if number % 2 else block
        for number, block in enumerate(
            before[start : start + BLOCK] for start in range(0, size, BLOCK)
        )
    )
    plain = encode(before, after)
    file = stored(size, delta=base(size))
    assert len(plain) <= limits.max_plain(file)
    assert packed(tmp_path / "delta", plain) <= limits.max_stored(file)


def test_the_allowance_stays_a_small_share() -> None:
    """A gigabyte may not become two in the store, nor unpack to more than it is."""
    gigabyte = 1_000_000_000
    for most in (
        limits.max_stored(stored(gigabyte)),
        limits.max_stored_base(base(gigabyte)),
        limits.max_plain(stored(gigabyte, delta=base(gigabyte))),
    ):
        assert gigabyte < most < 1.02 * gigabyte
