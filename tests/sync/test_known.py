"""What a destination holds, known from receipts, or from the bucket where those are lost."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import msgspec

from akosha_hook.format.manifest import Stale
from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.known import known_files, last_good
from akosha_hook.sync.outcome import Outcome
from tests.support.duck import change
from tests.support.s3 import TestBucket
from tests.support.state_documents import WHEN, whole_receipt
from tests.support.syncing import manifest_of, sync

GRAPH, REFLECTION = "knowledge_graph.duckdb", "reflection.duckdb"


def files_in(bucket: TestBucket, outcome: Outcome) -> dict[str, dict[str, Any]]:
    metadata: Any = manifest_of(bucket, outcome)["metadata"]
    return {each["name"]: each for each in metadata["files"]}


def ours(_: object) -> bool:
    return True


def foreign(_: object) -> bool:
    return False


def lose(paths: Paths) -> None:
    for path in paths.receipts.glob("*.json"):
        path.unlink()


def test_what_needs_an_upload_that_is_not_ones_own_is_neither_known_nor_carried() -> None:
    receipt, always = whole_receipt(), Settings(akosha_full_interval_days=3650)
    assert list(known_files(receipt, always, ours)) == [REFLECTION]
    assert known_files(receipt, always, foreign) == {}
    assert known_files(None, always, ours) == {}
    assert list(last_good(receipt, ours, ())) == [REFLECTION]
    assert last_good(receipt, foreign, ()) == {}
    assert last_good(None, ours, ()) == {}


def test_a_forgotten_database_has_no_last_good_copy() -> None:
    assert last_good(whole_receipt(), ours, {REFLECTION}) == {}


def test_a_last_good_copy_says_of_when_it_is() -> None:
    fresh = last_good(whole_receipt(), ours, ())[REFLECTION].stale
    assert fresh is not None
    assert fresh.as_of == WHEN
    before = Stale(reason="empty", since=WHEN, as_of=WHEN)
    file = msgspec.structs.replace(whole_receipt().files[0], stale=before)
    receipt = msgspec.structs.replace(whole_receipt(), files=(file,))
    assert last_good(receipt, ours, ())[REFLECTION].stale == before


def test_where_receipts_are_lost_the_newest_manifest_tells(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """A database that is gone is carried, and what is stored is not sent again."""
    first = sync(paths, bucket)
    assert first.receipt is not None
    (data / GRAPH).unlink()
    lose(paths)
    again = sync(paths, bucket)
    assert again.receipt is not None
    assert again.receipt.files_uploaded == ()
    assert again.receipt.files_unchanged == (REFLECTION,)
    files = files_in(bucket, again)
    assert first.receipt.upload_id in files[GRAPH]["key"]
    assert files[GRAPH]["stale"]["reason"] == "missing"
    assert manifest_of(bucket, again)["conversation_count"] == 20
    assert [each.name for each in again.missed if each.as_of] == [GRAPH]
    assert Receipts(paths).exists(first.receipt.upload_id)
    assert sync(paths, bucket).state == "unchanged"


def test_only_the_newest_receipt_is_lost(paths: Paths, data: Path, bucket: TestBucket) -> None:
    """What it alone knew of is carried all the same."""
    graph = (data / GRAPH).read_bytes()
    (data / GRAPH).unlink()
    first = sync(paths, bucket)
    (data / GRAPH).write_bytes(graph)
    second = sync(paths, bucket)
    assert first.receipt is not None
    assert second.receipt is not None
    Receipts(paths).path_of(second.receipt.upload_id).write_bytes(b"{")
    (data / GRAPH).unlink()
    change(data / REFLECTION, 1)
    third = sync(paths, bucket)
    assert second.receipt.upload_id in files_in(bucket, third)[GRAPH]["key"]


def test_where_the_newest_has_no_manifest_the_one_before_tells(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    change(data / REFLECTION, 1)
    second = sync(paths, bucket)
    assert first.receipt is not None
    assert second.receipt is not None
    key = next(each for each in bucket.object_keys() if f"{second.receipt.upload_id}/manif" in each)
    bucket.client.remove_object(bucket.name, key)
    lose(paths)
    (data / GRAPH).unlink()
    third = sync(paths, bucket)
    assert first.receipt.upload_id in files_in(bucket, third)[GRAPH]["key"]


def test_a_manifest_that_is_not_what_the_ledger_says_is_not_believed(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    key = next(each for each in bucket.object_keys() if each.endswith("manifest.json"))
    document = json.loads(bucket.read(key))
    document["conversation_count"] += 1
    forged = json.dumps(document).encode()
    bucket.client.put_object(bucket.name, key, io.BytesIO(forged), len(forged))
    lose(paths)
    (data / GRAPH).unlink()
    again = sync(paths, bucket)
    assert again.receipt is not None
    assert len(again.receipt.files_uploaded) == 1
    assert list(files_in(bucket, again)) == [REFLECTION]
    assert first.receipt is not None
    assert not Receipts(paths).exists(first.receipt.upload_id)


def test_how_old_a_copy_is_is_known_without_receipts_too(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """By the upload's id: what is young is not taken to be old, and copied."""
    first = sync(paths, bucket)
    lose(paths)
    (data / GRAPH).unlink()
    again = sync(paths, bucket)
    assert first.receipt is not None
    assert again.receipt is not None
    for each in again.receipt.files:
        assert first.receipt.upload_id in each.key
        assert 0 <= time.time() - each.stored_at < 3600
