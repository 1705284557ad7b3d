"""Objects read back: exactly what their manifest promises, or DamagedError and bounded cost."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook import catalog
from akosha_hook.errors import DamagedError
from akosha_hook.format import pack
from akosha_hook.restore import fetch as fetching
from akosha_hook.restore.fetch import Source, fetch
from tests.support.home import Home
from tests.support.recovery import context, put

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.stores.base import ObjectStore
    from tests.support.s3 import TestBucket

KEY = "systems/laptop/uploads/u/reflection.duckdb"


def nothing(plain: int, wire: int) -> None:
    pass


@pytest.fixture
def opened(paths: Paths, any_bucket: TestBucket) -> ObjectStore:
    Home(paths, any_bucket).configure(akosha_max_retries=0)
    return catalog.open_to_read(context(paths))


def source(stored: bytes, plain: bytes, *, compressed: bool = True) -> Source:
    return Source(KEY, len(stored), compressed, len(plain), hashlib.sha256(plain).hexdigest())


@pytest.mark.parametrize("compressed", [True, False])
def test_an_object_of_many_ranges_comes_back(
    opened: ObjectStore, any_bucket: TestBucket, tmp_path: Path, compressed: bool
) -> None:
    plain = random.Random(1).randbytes((fetching.RANGES + 2) * fetching.RANGE_BYTES + 12_345)
    origin = tmp_path / "plain"
    origin.write_bytes(plain)
    stored = b"".join(pack.packed(pack.read_blocks(origin), compress=compressed))
    put(any_bucket, KEY, stored)
    told = [0, 0]

    def advance(more_plain: int, more_wire: int) -> None:
        told[0] += more_plain
        told[1] += more_wire

    fetch(opened, source(stored, plain, compressed=compressed), tmp_path / "back", advance)
    assert (tmp_path / "back").read_bytes() == plain
    assert told == [len(plain), len(stored)]
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o600


def test_a_gzip_of_one_member_by_another_tool_is_read_too(
    opened: ObjectStore, any_bucket: TestBucket, tmp_path: Path
) -> None:
    plain = os.urandom(1000) * 3000
    stored = gzip.compress(plain)
    put(any_bucket, KEY, stored)
    fetch(opened, source(stored, plain), tmp_path / "back", nothing)
    assert (tmp_path / "back").read_bytes() == plain


def test_a_bomb_is_stopped_at_the_promised_size(
    opened: ObjectStore, any_bucket: TestBucket, tmp_path: Path
) -> None:
    stored = gzip.compress(bytes(50_000_000), 9) * 20
    put(any_bucket, KEY, stored)
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError, match="holds more than its manifest says"):
            fetch(opened, source(stored, bytes(3_000_000)), tmp_path / "back", nothing)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
    assert (tmp_path / "back").stat().st_size <= 3_000_000


@pytest.mark.parametrize("kind", ["cut", "garbage", "no gzip", "flipped", "short", "trailing"])
def test_a_damaged_object_is_refused(
    opened: ObjectStore, any_bucket: TestBucket, tmp_path: Path, kind: str
) -> None:
    plain = random.Random(2).randbytes(300_000)
    good = gzip.compress(plain)
    stored = {
        "cut": good[:-100],
        "garbage": os.urandom(len(good)),
        "no gzip": plain,
        "flipped": good[:1000] + bytes([good[1000] ^ 1]) + good[1001:],
        "short": gzip.compress(plain[:-1]),
        "trailing": good + b"more",
    }[kind]
    put(any_bucket, KEY, stored)
    with pytest.raises(DamagedError) as caught:
        fetch(opened, source(stored, plain), tmp_path / "back", nothing)
    assert KEY in caught.value.message


def test_an_object_that_is_gone_is_refused(
    opened: ObjectStore, any_bucket: TestBucket, tmp_path: Path
) -> None:
    gone = Source(KEY, 1000, False, 1000, "0" * 64)
    with pytest.raises(DamagedError, match="is not in the bucket as its manifest says"):
        fetch(opened, gone, tmp_path / "back", nothing)
