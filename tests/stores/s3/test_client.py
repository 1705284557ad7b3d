"""What we need of an S3, each asked of a real one through our adapter."""

from __future__ import annotations

import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeliveryError, ExitCode, Kind
from akosha_hook.state.receipt import Part
from akosha_hook.stores.credentials import resolve
from akosha_hook.stores.providers import provider_for
from akosha_hook.stores.s3.etag import is_multipart_etag, multipart_etag
from tests.support.contract import keys

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.stores.s3.client import S3Client
    from tests.support.contract import Place

LEAST_PART = 5 << 20
TEXT = b"memories " * 500
MISSING_BUCKET = "contract-bucket-that-does-not-exist"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def send(bucket: S3Client, key: str, multipart_id: str, number: int, data: bytes) -> Part:
    etag = bucket.put_part(key, multipart_id, number, data, md5(data))
    return Part(number, len(data), etag, md5(data))


def pieces() -> tuple[bytes, bytes]:
    """A least part and a short last one that differ everywhere."""
    return b"first...".ljust(8) * (LEAST_PART // 8), b"last" * 1000


def test_an_object_comes_back_as_it_was_put(bucket: S3Client, prefix: str) -> None:
    etag = bucket.put(f"{prefix}plain", TEXT, {"Content-Type": "application/octet-stream"})
    head = bucket.head(f"{prefix}plain")
    assert head is not None
    assert head.size == len(TEXT)
    assert etag in {"", head.etag}
    assert bucket.get_range(f"{prefix}plain", 0, 1 << 20) == TEXT


def test_metadata_and_encoding_are_kept_and_nothing_is_decoded(
    bucket: S3Client, prefix: str
) -> None:
    packed = gzip.compress(TEXT, mtime=0)
    headers = {
        "Content-Encoding": "gzip",
        "Cache-Control": "no-transform",
        "x-amz-meta-sha256": hashlib.sha256(TEXT).hexdigest(),
        "x-amz-meta-size": str(len(TEXT)),
    }
    bucket.put(f"{prefix}packed", packed, headers)
    head = bucket.head(f"{prefix}packed")
    assert head is not None
    assert head.size == len(packed)
    assert head.metadata["sha256"] == hashlib.sha256(TEXT).hexdigest()
    assert head.metadata["size"] == str(len(TEXT))
    assert bucket.get_range(f"{prefix}packed", 0, 1 << 20) == packed
    assert bucket.get_range(f"{prefix}packed", 10, 20) == packed[10:30]


def test_an_object_is_sent_in_parts_in_any_order(
    bucket: S3Client, prefix: str, place: Place
) -> None:
    key, (first, last) = f"{prefix}parts", pieces()
    multipart_id = bucket.create_multipart(key, {"x-amz-meta-size": "1"})
    assert bucket.head(key) is None
    with ThreadPoolExecutor(2) as pool:
        parts = list(
            pool.map(lambda each: send(bucket, key, multipart_id, *each), [(2, last), (1, first)])
        )
    parts.sort(key=lambda part: part.number)
    assert bucket.list_parts(key, multipart_id) == {
        part.number: (part.size, part.etag) for part in parts
    }
    bucket.complete_multipart(key, multipart_id, parts)
    head = bucket.head(key)
    assert head is not None
    assert head.size == len(first) + len(last)
    assert head.metadata["size"] == "1"
    if is_multipart_etag(head.etag, 2) and provider_for(place.settings).multipart_etag_is_md5:
        assert head.etag == multipart_etag(parts)
    assert bucket.get_range(key, LEAST_PART - 8, 12) == first[-8:] + last[:4]


def test_a_part_may_be_sent_again(bucket: S3Client, prefix: str) -> None:
    """As after an answer that got lost; rclone takes the same bytes only."""
    key = f"{prefix}again"
    multipart_id = bucket.create_multipart(key, {})
    assert send(bucket, key, multipart_id, 1, TEXT) == send(bucket, key, multipart_id, 1, TEXT)
    part = send(bucket, key, multipart_id, 1, TEXT)
    bucket.complete_multipart(key, multipart_id, [part])
    assert bucket.get_range(key, 0, 1 << 20) == TEXT


def test_an_aborted_upload_is_gone(bucket: S3Client, prefix: str) -> None:
    key = f"{prefix}aborted"
    multipart_id = bucket.create_multipart(key, {})
    send(bucket, key, multipart_id, 1, TEXT)
    bucket.abort_multipart(key, multipart_id)
    with pytest.raises(DeliveryError) as caught:
        bucket.list_parts(key, multipart_id)
    assert caught.value.kind is Kind.STALE
    assert bucket.head(key) is None


def test_a_part_that_is_not_there_cannot_be_completed(bucket: S3Client, prefix: str) -> None:
    key = f"{prefix}wrong"
    multipart_id = bucket.create_multipart(key, {})
    part = send(bucket, key, multipart_id, 1, TEXT)
    with pytest.raises(DeliveryError):
        bucket.complete_multipart(key, multipart_id, [replace_etag(part)])
    assert bucket.head(key) is None


def replace_etag(part: Part) -> Part:
    return Part(part.number, part.size, md5(b"something else"), part.md5)


def test_a_part_that_arrives_damaged_is_noticed(bucket: S3Client, prefix: str) -> None:
    key = f"{prefix}damaged"
    multipart_id = bucket.create_multipart(key, {})
    with pytest.raises(DeliveryError):
        bucket.put_part(key, multipart_id, 1, TEXT, md5(b"something else"))


def test_a_listing_is_in_order_below_a_prefix(bucket: S3Client, prefix: str) -> None:
    names = ["a/1", "a/2", "b/1", "c"]
    for name in reversed(names):
        bucket.put(prefix + name, name.encode(), {})
    assert [found.key for found in bucket.objects(prefix)] == [prefix + name for name in names]
    assert [found.size for found in bucket.objects(f"{prefix}a/")] == [3, 3]
    after = bucket.objects(prefix, start_after=f"{prefix}a/2")
    assert [found.key for found in after] == [f"{prefix}b/1", f"{prefix}c"]
    assert [each.key for each in bucket.prefixes(prefix)] == [
        f"{prefix}a/",
        f"{prefix}b/",
        f"{prefix}c",
    ]
    assert list(bucket.objects(f"{prefix}nothing/")) == []


def test_a_deleted_object_is_gone(bucket: S3Client, prefix: str) -> None:
    bucket.put(f"{prefix}gone", TEXT, {})
    bucket.delete(f"{prefix}gone")
    assert bucket.head(f"{prefix}gone") is None
    assert list(bucket.objects(prefix)) == []


def test_a_missing_bucket_is_said_at_once(place: Place, paths: Paths) -> None:
    missing = place.open(paths, akosha_cloud_bucket=MISSING_BUCKET)
    with pytest.raises(DeliveryError) as caught:
        list(missing.objects("contract"))
    # A provider may not tell those without rights to it whether a bucket exists.
    assert caught.value.kind in {Kind.STORE_MISSING, Kind.DENIED}
    assert not caught.value.retryable


@pytest.mark.parametrize("wrong", ["access", "secret"])
def test_a_wrong_key_is_said_at_once(place: Place, paths: Paths, wrong: str, home: Path) -> None:
    found = resolve(place.settings, place.environ, home=home)
    access, secret = found.access_key.reveal(), found.secret_key.reveal()
    pair = (access[::-1], secret) if wrong == "access" else (access, secret[::-1])
    with pytest.raises(DeliveryError) as caught:
        replace(place, environ=keys(*pair)).open(paths).put("contract-wrong-key", TEXT, {})
    assert caught.value.exit_code == ExitCode.CREDENTIALS
    assert not caught.value.retryable
    assert secret not in str(caught.value)
