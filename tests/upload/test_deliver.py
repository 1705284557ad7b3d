"""What an upload stores: objects, references, and the manifest."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.paths import Paths
from tests.support.duck import change
from tests.support.s3 import TestBucket
from tests.support.syncing import make_big, manifest_of, sync


def test_the_objects_say_what_they_are(paths: Paths, data: Path, bucket: TestBucket) -> None:
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    file = outcome.receipt.files[0]
    head = bucket.client.stat_object(bucket.name, file.key)
    assert head.metadata is not None
    assert head.metadata["x-amz-meta-sha256"] == file.sha256
    assert head.metadata["x-amz-meta-size"] == str(file.size)
    assert head.metadata["Content-Encoding"] == "gzip"
    assert head.metadata["Cache-Control"] == "no-transform"
    assert head.size == file.stored_bytes


def test_the_manifest_is_one_that_akosha_accepts(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """Its rules are those of SystemMemoryUploadManifest, as tests/support/akosha_schema.py has them."""
    from tests.support.akosha_schema import check_manifest

    document = manifest_of(bucket, sync(paths, bucket))
    check_manifest(document)
    assert document["conversation_count"] == 20
    assert document["files"] == ["reflection.duckdb", "knowledge_graph.duckdb"]


def test_a_database_larger_than_a_part_goes_by_multipart(
    paths: Paths, data: Path, any_bucket: TestBucket
) -> None:
    make_big(data / "reflection.duckdb")
    outcome = sync(paths, any_bucket, SESSION_BUDDY_AKOSHA_ENABLE_COMPRESSION="false")
    assert outcome.receipt is not None
    big = outcome.receipt.files[0]
    assert big.stored_bytes == big.size > 10 * 1024 * 1024
    assert any_bucket.read(big.key) == (data / "reflection.duckdb").read_bytes()
    assert any_bucket.open_uploads() == 0
    assert list(paths.receipts.glob("*.journal")) == []


def test_a_reference_to_an_object_that_is_gone_is_sent_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    for key in bucket.object_keys():
        bucket.client.remove_object(bucket.name, key)
    change(data / "reflection.duckdb", 1)
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    assert len(outcome.receipt.files_uploaded) == 2
    assert outcome.receipt.files_unchanged == ()


def test_an_unchanged_database_is_referred_to_in_the_next_manifest(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    change(data / "reflection.duckdb", 3)
    second = sync(paths, bucket)
    assert first.receipt is not None
    assert second.receipt is not None
    assert len(second.receipt.files_uploaded) == 1
    assert second.receipt.files_unchanged == ("knowledge_graph.duckdb",)
    document = manifest_of(bucket, second)
    assert document["files"] == [second.receipt.files_uploaded[0].rsplit("/", 1)[1]]
    assert document["conversation_count"] == 23
    metadata = document["metadata"]
    assert isinstance(metadata, dict)
    keys = {each["name"]: each["key"] for each in metadata["files"]}
    assert first.receipt.upload_id in keys["knowledge_graph.duckdb"]
