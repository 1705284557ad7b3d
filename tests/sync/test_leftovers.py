"""Objects of uploads that never got their manifest."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import leftovers
from akosha_hook.sync.outcome import Outcome
from tests.support.duck import change
from tests.support.faults import FaultyProxy, error, faulty_proxy, lost_answer
from tests.support.s3 import TestBucket
from tests.support.syncing import CLOUD, sync

REFLECTION = "reflection.duckdb"


@pytest.fixture
def behind(bucket: TestBucket) -> Iterator[tuple[TestBucket, FaultyProxy]]:
    """The bucket behind a proxy that makes the faults."""
    with faulty_proxy(bucket.server.endpoint) as proxy:
        server = dataclasses.replace(bucket.server, endpoint=proxy.url)
        yield dataclasses.replace(bucket, server=server), proxy


def failed(paths: Paths, bucket: TestBucket, proxy: FaultyProxy) -> Receipt:
    """An upload that stored its databases and may not store its manifest."""
    proxy.on("PutManifest", fault=error(403, "AccessDenied"))
    outcome = sync(paths, bucket)
    proxy.heal()
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert outcome.receipt.state == "failed"
    assert any(outcome.receipt.upload_id in key for key in bucket.object_keys())
    return outcome.receipt


def uploads(bucket: TestBucket) -> set[str]:
    return {key.split("/")[3] for key in bucket.object_keys()}


def uploaded(outcome: Outcome) -> Receipt:
    assert outcome.receipt is not None
    assert outcome.receipt.success
    return outcome.receipt


def test_the_next_upload_refers_to_what_a_failed_one_stored(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    before = failed(paths, bucket, proxy)
    proxy.asked.clear()
    receipt = uploaded(sync(paths, bucket))
    assert receipt.files_uploaded == ()
    assert "PutObject" not in proxy.operations()
    assert all(before.upload_id in each.key for each in receipt.files)
    for each in receipt.files:
        assert gzip.decompress(bucket.read(each.key)) == (data / each.name).read_bytes()
    # They are not taken for leftovers later.
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket))
    assert set(before.files[0].keys) <= set(bucket.object_keys())
    assert sync(paths, bucket).state == "unchanged"


def test_what_has_changed_since_is_removed_once_an_upload_succeeds(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    before = failed(paths, bucket, proxy)
    for name in (REFLECTION, "knowledge_graph.duckdb"):
        change(data / REFLECTION, 1)
        (data / name).write_bytes((data / REFLECTION).read_bytes())
    receipt = uploaded(sync(paths, bucket))
    assert uploads(bucket) == {receipt.upload_id}
    assert receipt.notes == ()
    kept = next(
        each for each in Receipts(paths).newest_first() if each.upload_id == before.upload_id
    )
    assert (kept.files, kept.leftovers) == ((), False)


def test_an_object_that_nobody_wrote_down_goes_too(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    """Its answer was lost, so that only the bucket knows of it."""
    bucket, proxy = behind
    proxy.on("PutObject", fault=lost_answer, times=1)
    proxy.on("PutObject", fault=error(403, "AccessDenied"))
    assert sync(paths, bucket).state == "failed"
    proxy.heal()
    assert len(uploads(bucket)) == 1
    change(data / REFLECTION, 1)
    receipt = uploaded(sync(paths, bucket))
    assert uploads(bucket) == {receipt.upload_id}


def test_what_a_superseded_upload_stored_is_removed(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    proxy.on("PutManifest", fault=error(503, "SlowDown"))
    assert sync(paths, bucket, SESSION_BUDDY_AKOSHA_MAX_RETRIES="0").state == "failed"
    proxy.heal()
    assert Receipts(paths).newest_first()[0].state == "uploading"
    receipt = uploaded(sync(paths, bucket, dataclasses.replace(CLOUD, full=True)))
    assert uploads(bucket) == {receipt.upload_id}
    assert len(receipt.files_uploaded) == 2


def test_what_an_upload_without_its_snapshot_stored_is_taken_up(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    proxy.on("PutManifest", fault=error(503, "SlowDown"))
    assert sync(paths, bucket, SESSION_BUDDY_AKOSHA_MAX_RETRIES="0").state == "failed"
    proxy.heal()
    shutil.rmtree(paths.snapshots)
    assert uploaded(sync(paths, bucket)).files_uploaded == ()


def test_an_upload_whose_manifest_arrived_after_all_stays(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    proxy.on("PutManifest", fault=lost_answer, times=1)
    proxy.on("PutManifest", fault=error(403, "AccessDenied"))
    first = sync(paths, bucket)
    proxy.heal()
    assert first.state == "failed"
    assert first.receipt is not None
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket))
    assert f"{first.receipt.upload_id}/manifest.json" in " ".join(bucket.object_keys())
    assert set(first.receipt.files[0].keys) <= set(bucket.object_keys())


def test_where_deleting_is_denied_it_is_said_once(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    before = failed(paths, bucket, proxy)
    proxy.on("DeleteObject", fault=error(403, "AccessDenied"))
    change(data / REFLECTION, 1)
    receipt = uploaded(sync(paths, bucket))
    assert len([each for each in receipt.notes if "denied" in each]) == 1
    assert before.upload_id in uploads(bucket)
    proxy.asked.clear()
    change(data / REFLECTION, 1)
    assert uploaded(sync(paths, bucket)).notes == ()
    assert "DeleteObject" not in proxy.operations()


def test_a_server_that_fails_is_asked_again_next_time(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    before = failed(paths, bucket, proxy)
    proxy.on("DeleteObject", fault=error(503, "SlowDown"))
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket, SESSION_BUDDY_AKOSHA_MAX_RETRIES="0"))
    proxy.heal()
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket))
    left = [key for key in bucket.object_keys() if before.upload_id in key]
    assert [key for key in left if key.endswith(REFLECTION)] == []


def test_with_full_nothing_of_it_is_used(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    bucket, proxy = behind
    failed(paths, bucket, proxy)
    receipt = uploaded(sync(paths, bucket, dataclasses.replace(CLOUD, full=True)))
    assert len(receipt.files_uploaded) == 2
    assert uploads(bucket) == {receipt.upload_id}


@pytest.mark.parametrize("how", ["deleted", "altered"])
def test_what_an_upload_left_whose_receipt_is_lost_is_removed(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy], how: str
) -> None:
    """The ledger knows of it; then it is asked for once."""
    bucket, proxy = behind
    proxy.on("PutObject", fault=error(503, "SlowDown"), first=2)
    assert sync(paths, bucket, SESSION_BUDDY_AKOSHA_MAX_RETRIES="0").state == "failed"
    proxy.heal()
    (before,) = uploads(bucket)
    receipt = Receipts(paths).path_of(before)
    if how == "deleted":
        receipt.unlink()
    else:
        receipt.write_bytes(receipt.read_bytes().replace(b'"cloud"', b'"cloue"'))
    newest = uploaded(sync(paths, bucket))
    assert uploads(bucket) == {newest.upload_id}
    assert newest.notes == ()
    (lost,) = (each for each in Receipts(paths).newest_first() if each.upload_id == before)
    assert (lost.state, lost.files, lost.leftovers) == ("failed", (), False)
    proxy.asked.clear()
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket))
    assert not {"DeleteObject", "ListObjects"} & set(proxy.operations())


def test_receipts_that_are_no_longer_kept_are_not_lost(
    paths: Paths,
    data: Path,
    behind: tuple[TestBucket, FaultyProxy],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket, proxy = behind
    before = failed(paths, bucket, proxy)
    uploaded(sync(paths, bucket, dataclasses.replace(CLOUD, full=True)))
    Receipts(paths).path_of(before.upload_id).unlink()
    monkeypatch.setattr(leftovers, "KEPT", 1)
    proxy.asked.clear()
    change(data / REFLECTION, 1)
    uploaded(sync(paths, bucket))
    assert not Receipts(paths).exists(before.upload_id)
