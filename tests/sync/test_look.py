"""Looking at the last upload now and then, and sending again what the bucket lost of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from akosha_hook.paths import Paths
from akosha_hook.state import looks
from akosha_hook.state.receipt import Receipt, ReceiptFile
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import look as looking
from akosha_hook.sync.outcome import Outcome
from tests.support import faults
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.recovery import put
from tests.support.s3 import TestBucket
from tests.support.syncing import CLOUD, manifest_of, restored, sync
from tests.support.writer import Writer

HOUR, DAY = 3600.0, 86_400.0
ASKING = ("HeadObject", "HeadManifest")


@pytest.fixture
def network(bucket: TestBucket) -> Iterator[FaultyProxy]:
    with faulty_proxy(bucket.server.endpoint) as proxy:
        yield proxy


def behind(network: FaultyProxy) -> dict[str, str]:
    return {
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": network.url,
        "SESSION_BUDDY_AKOSHA_MAX_RETRIES": "0",
    }


def receipt_of(outcome: Outcome) -> Receipt:
    assert outcome.receipt is not None
    assert outcome.success
    return outcome.receipt


def file_of(receipt: Receipt, name: str) -> ReceiptFile:
    return next(each for each in receipt.files if each.name == name)


def pass_time(paths: Paths, seconds: float = 2 * DAY) -> None:
    """Let the uploads and the looks so far be older, or younger, by so much."""
    receipts = Receipts(paths)
    for each in receipts.newest_first():
        assert each.finished is not None
        at = time.time() - seconds
        earlier = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))
        receipts.save(msgspec.structs.replace(each, finished=earlier))
        if (seen := looks.last(paths, each.destination)) is not None:
            looks.remember(paths, each.destination, msgspec.structs.replace(seen, at=at))


def remove(bucket: TestBucket, *keys: str) -> None:
    for key in keys:
        bucket.client.remove_object(bucket.name, key)


def test_after_a_day_a_head_of_each_object_is_all_that_is_asked(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    first = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    network.asked.clear()
    assert sync(paths, bucket, CLOUD, **behind(network)).state == "unchanged"
    assert network.operations() == []
    pass_time(paths)
    assert sync(paths, bucket, CLOUD, **behind(network)).state == "unchanged"
    assert sorted(network.operations()) == ["HeadManifest", "HeadObject", "HeadObject"]
    assert not list(paths.snapshots.iterdir())
    seen = looks.last(paths, first.destination)
    assert seen is not None
    assert (seen.upload_id, seen.objects, seen.lost) == (first.upload_id, 3, ())
    # Once a day is enough.
    assert sync(paths, bucket, CLOUD, **behind(network)).state == "unchanged"
    assert len(network.operations()) == 3


def test_a_look_ahead_of_the_clock_is_made_again(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    sync(paths, bucket, CLOUD, **behind(network))
    pass_time(paths, -400 * DAY)
    network.asked.clear()
    sync(paths, bucket, CLOUD, **behind(network))
    assert network.operations("HeadManifest") == ["HeadManifest"]


def test_a_lost_object_is_sent_again_and_said(
    paths: Paths, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    first = receipt_of(sync(paths, bucket))
    lost = file_of(first, "reflection.duckdb").key
    remove(bucket, lost)
    pass_time(paths)
    outcome = sync(paths, bucket)
    again = receipt_of(outcome)
    assert outcome.state == "uploaded"
    assert [key.rsplit("/", 1)[1] for key in again.files_uploaded] == ["reflection.duckdb"]
    assert again.files_unchanged == ("knowledge_graph.duckdb",)
    said = (
        f"1 object was no longer in the bucket as stored ({lost}); "
        "reflection.duckdb has been sent again"
    )
    assert again.notes == (said,)
    assert Receipts(paths).last_success(again.destination) == again
    assert outcome.result()["notes"] == [said]
    whole = restored(bucket, outcome, "reflection.duckdb", tmp_path)
    assert whole == (data / "reflection.duckdb").read_bytes()
    assert sync(paths, bucket).state == "unchanged"


def test_touched_files_of_the_same_bytes_are_looked_at_too(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = receipt_of(sync(paths, bucket))
    remove(bucket, *(each.key for each in first.files))
    pass_time(paths)
    for path in data.iterdir():
        path.touch()
    again = receipt_of(sync(paths, bucket))
    assert len(again.files_uploaded) == 2


def test_another_object_of_the_same_size_is_none(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = receipt_of(sync(paths, bucket))
    stored = file_of(first, "reflection.duckdb")
    put(bucket, stored.key, b"x" * stored.stored_bytes)
    pass_time(paths)
    again = receipt_of(sync(paths, bucket))
    assert file_of(again, "reflection.duckdb").status == "uploaded"


def test_a_lost_delta_is_sent_again_on_the_base_that_is_there(
    paths: Paths, large: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    sync(paths, bucket)
    with Writer(large) as writer:
        writer.insert(5)
    second = receipt_of(sync(paths, bucket))
    changed = next(each for each in second.files if each.delta is not None)
    remove(bucket, changed.key)
    pass_time(paths)
    outcome = sync(paths, bucket)
    again = file_of(receipt_of(outcome), changed.name)
    assert again.delta is not None
    assert again.delta.base_key == changed.delta.base_key if changed.delta else False
    assert restored(bucket, outcome, changed.name, tmp_path) == large.read_bytes()


def test_with_its_base_a_delta_is_sent_whole(
    paths: Paths, large: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    sync(paths, bucket)
    with Writer(large) as writer:
        writer.insert(5)
    second = receipt_of(sync(paths, bucket))
    changed = next(each for each in second.files if each.delta is not None)
    assert changed.delta is not None
    remove(bucket, changed.delta.base_key)
    pass_time(paths)
    outcome = sync(paths, bucket)
    assert file_of(receipt_of(outcome), changed.name).delta is None
    assert restored(bucket, outcome, changed.name, tmp_path) == large.read_bytes()


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_lost_manifest_gives_an_upload_that_refers_to_what_is_there(
    paths: Paths, data: Path, bucket: TestBucket, damage: str
) -> None:
    first = receipt_of(sync(paths, bucket))
    manifest = looking.manifest_key(first)
    if damage == "gone":
        remove(bucket, manifest)
    else:
        put(bucket, manifest, bucket.read(manifest)[:-10])
    pass_time(paths)
    outcome = sync(paths, bucket)
    again = receipt_of(outcome)
    assert again.upload_id != first.upload_id
    assert again.files_uploaded == ()
    assert {each.key for each in again.files} == {each.key for each in first.files}
    assert manifest_of(bucket, outcome)["files"] == []
    (note,) = again.notes
    assert note == (
        f"The manifest of {first.upload_id} was no longer in the bucket as it was stored; "
        f"{again.upload_id} takes its place"
    )


def test_what_could_not_be_sent_again_is_tried_by_the_next_sync(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    first = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    remove(bucket, file_of(first, "reflection.duckdb").key)
    pass_time(paths)
    network.on("PutObject", fault=faults.error(503, "SlowDown"))
    assert sync(paths, bucket, CLOUD, **behind(network)).state == "failed"
    network.heal()
    again = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    assert file_of(again, "reflection.duckdb").status == "uploaded"


def test_a_look_that_cannot_be_made_fails_no_sync_and_is_made_an_hour_later(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    first = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    pass_time(paths)
    network.on(fault=faults.reset)
    outcome = sync(paths, bucket, CLOUD, **behind(network))
    assert (outcome.state, outcome.success, outcome.pending) == ("unchanged", True, False)
    seen = looks.last(paths, first.destination)
    assert seen is not None
    assert "cannot be reached" in (seen.error or "")
    network.heal()
    network.asked.clear()
    sync(paths, bucket, CLOUD, **behind(network))
    assert network.operations() == []
    looks.remember(paths, first.destination, msgspec.structs.replace(seen, at=seen.at - HOUR))
    sync(paths, bucket, CLOUD, **behind(network))
    assert len(network.operations(*ASKING)) == 3
    seen = looks.last(paths, first.destination)
    assert seen is not None
    assert seen.error is None


def test_keys_that_may_not_look_alarm_nobody(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    first = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    pass_time(paths)
    network.on(*ASKING, fault=faults.error(403, "AccessDenied"))
    outcome = sync(paths, bucket, CLOUD, **behind(network))
    assert outcome.state == "unchanged"
    seen = looks.last(paths, first.destination)
    assert seen is not None
    assert (seen.verified, seen.lost, seen.error) == (False, (), None)
    network.asked.clear()
    sync(paths, bucket, CLOUD, **behind(network))
    assert network.operations() == []


def test_a_refusal_beside_others_that_are_shown_is_an_object_that_is_gone(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    """S3 answers 403 for what is not there to keys that may not list."""
    first = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    pass_time(paths)
    network.on("HeadManifest", fault=faults.error(403, "AccessDenied"), times=1)
    again = receipt_of(sync(paths, bucket, CLOUD, **behind(network)))
    assert again.upload_id != first.upload_id
    assert again.files_uploaded == ()


def test_a_lost_copy_of_a_database_that_is_no_longer_here_is_said_and_named_no_more(
    paths: Paths, data: Path, bucket: TestBucket, network: FaultyProxy
) -> None:
    """It cannot be sent again; an upload that named it could never be restored."""
    settings = {
        **behind(network),
        "SESSION_BUDDY_AKOSHA_DATABASES": "reflection.duckdb,knowledge*.duckdb",
    }
    first = receipt_of(sync(paths, bucket, CLOUD, **settings))
    gone = file_of(first, "reflection.duckdb").key
    remove(bucket, gone)
    (data / "reflection.duckdb").unlink()
    pass_time(paths)
    outcome = sync(paths, bucket, CLOUD, **settings)
    assert outcome.state == "uploaded"
    second = receipt_of(outcome)
    assert [each.name for each in second.files] == ["knowledge_graph.duckdb"]
    lost = [
        each for each in second.notes if each.startswith("the last good copy of reflection.duckdb")
    ]
    assert len(lost) == 1
    assert f"is lost: {gone} is no longer in the bucket" in lost[0]
    network.asked.clear()
    assert sync(paths, bucket, CLOUD, **settings).state == "unchanged"
    assert network.operations() == []


def test_a_copy_of_the_state_without_a_ledger_is_looked_at_as_far_as_is_known(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """0.1.0 kept no ledger: the size of its manifests is not known."""
    first = receipt_of(sync(paths, bucket))
    lines = paths.ledger.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[-1].split(b" ", 1)[1])["entry"]["size"] > 0
    paths.ledger.unlink()
    pass_time(paths)
    assert sync(paths, bucket).state == "unchanged"
    seen = looks.last(paths, first.destination)
    assert seen is not None
    assert seen.lost == ()
