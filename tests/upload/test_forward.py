"""Copying an object of an earlier upload below the present one's prefix."""

from __future__ import annotations

import hashlib
import io

import pytest

from akosha_hook.errors import DeliveryError
from akosha_hook.paths import Paths
from akosha_hook.state import block_hashes
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.base import ObjectStore
from akosha_hook.stores.opening import open_store
from akosha_hook.sync.policy import upload_policy
from akosha_hook.upload.forward import copied_forward
from tests.support.jobs import UPLOAD, frozen, job
from tests.support.s3 import TestBucket
from tests.support.syncing import context

BEFORE = "systems/laptop/uploads/20261101_120000_laptop/"
PLAIN = b"what was stored"


def store_of(paths: Paths, bucket: TestBucket) -> ObjectStore:
    here = context(paths, bucket, SESSION_BUDDY_AKOSHA_MAX_RETRIES="0")
    return open_store(here, upload_policy(here.settings))


def stored(bucket: TestBucket, name: str = "a.duckdb", data: bytes = PLAIN) -> ReceiptFile:
    sha256 = hashlib.sha256(PLAIN).hexdigest()
    result = bucket.client.put_object(
        bucket.name, BEFORE + name, io.BytesIO(data), len(data), metadata={"sha256": sha256}
    )
    return ReceiptFile(
        name=name,
        database=name,
        status="unchanged",
        size=len(PLAIN),
        sha256=sha256,
        key=BEFORE + name,
        stored_bytes=len(PLAIN),
        etag=str(result.etag),
        stored_at=1_700_000_000,
    )


def test_a_copy_is_young_and_has_the_block_hashes(paths: Paths, any_bucket: TestBucket) -> None:
    file = stored(any_bucket)
    paths.receipts.mkdir(parents=True)
    block_hashes.save(paths, file.key, sha256=file.sha256, size=file.size, hashes=b"h" * 16)
    store = store_of(paths, any_bucket)
    copied = copied_forward(job(paths, frozen(paths, b=b"x")), store, file, set())
    assert copied.key == f"systems/laptop/uploads/{UPLOAD}/a.duckdb"
    assert copied.stored_at > file.stored_at
    assert any_bucket.read(copied.key) == PLAIN
    hashes = block_hashes.load(paths, copied.key, sha256=file.sha256, size=file.size)
    assert hashes == b"h" * 16


@pytest.mark.parametrize("name", ["a.duckdb", "with space.duckdb"])
def test_a_name_that_is_taken_is_not_used_again(
    paths: Paths, bucket: TestBucket, name: str
) -> None:
    file, store = stored(bucket, name), store_of(paths, bucket)
    this, taken = job(paths, frozen(paths, b=b"x")), {"a.duckdb", "a.duckdb.2"}
    keys = [copied_forward(this, store, file, taken).key for _ in range(2)]
    assert len({*keys, f"systems/laptop/uploads/{UPLOAD}/a.duckdb"}) == 3


def test_what_was_replaced_is_not_copied(paths: Paths, bucket: TestBucket) -> None:
    file = stored(bucket, data=b"something else!!")
    with pytest.raises(DeliveryError, match="not what was to be copied"):
        copied_forward(job(paths, frozen(paths, b=b"x")), store_of(paths, bucket), file, set())
