"""What has not changed is frozen after all where the bucket no longer has it."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.paths import Paths
from tests.support.duck import change
from tests.support.s3 import TestBucket
from tests.support.syncing import restored, sync

GRAPH = "knowledge_graph.duckdb"
SET = "session-files.tar"


def key_of(bucket: TestBucket, name: str) -> str:
    (key,) = (each for each in bucket.object_keys() if each.endswith(name))
    return key


def test_an_unchanged_database_and_set_that_are_gone_are_sent_with_what_changed(
    paths: Paths, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    (data / "handoffs").mkdir()
    (data / "handoffs" / "monday.md").write_text("carry on with the tests")
    assert sync(paths, bucket).state == "uploaded"
    for name in (GRAPH, SET):
        bucket.client.remove_object(bucket.name, key_of(bucket, name))
    change(data / "reflection.duckdb", 1)
    second = sync(paths, bucket)
    assert second.receipt is not None
    assert second.receipt.files_unchanged == ()
    assert restored(bucket, second, GRAPH, tmp_path) == (data / GRAPH).read_bytes()
    assert b"carry on with the tests" in restored(bucket, second, SET, tmp_path)
