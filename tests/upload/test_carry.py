"""A database that was stored once never falls out of later uploads in silence."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from akosha_hook.paths import Paths
from akosha_hook.state import forgotten
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.outcome import Outcome
from tests.support.duck import change
from tests.support.faults import Exchange, FaultyProxy, error, faulty_proxy, passed
from tests.support.s3 import TestBucket
from tests.support.syncing import manifest_of, restored, sync

GRAPH, REFLECTION = "knowledge_graph.duckdb", "reflection.duckdb"


def listed(bucket: TestBucket, outcome: Outcome) -> dict[str, dict[str, Any]]:
    """The files of the outcome's manifest, by name."""
    metadata: Any = manifest_of(bucket, outcome)["metadata"]
    return {each["name"]: each for each in metadata["files"]}


def receipt_path(paths: Paths, outcome: Outcome) -> Path:
    assert outcome.receipt is not None
    return Receipts(paths).path_of(outcome.receipt.upload_id)


def age(paths: Paths, outcome: Outcome, *names: str, days: int = 8) -> str:
    """Make it an upload of some days ago, with those files stored then; when it was made, then."""
    path = receipt_path(paths, outcome)
    document = json.loads(path.read_text())
    del document["checksum"]
    for each in document["files"]:
        if each["name"] in names:
            each["stored_at"] -= days * 86_400
            if each["delta"]:
                each["delta"]["base_stored_at"] -= days * 86_400
    for moment in ("started", "finished"):
        when = dt.datetime.fromisoformat(document[moment]) - dt.timedelta(days=days)
        document[moment] = when.isoformat(timespec="milliseconds")
    path.write_text(json.dumps(document))
    return str(document["started"])


def loses(path: Path) -> None:
    path.unlink()


def empties(path: Path) -> None:
    path.write_bytes(b"")


def damages(path: Path) -> None:
    path.write_bytes(b"\xff" * 5000)


def locks_away(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (loses, "missing"),
        (empties, "empty"),
        (damages, "not-a-database"),
        (locks_away, "unreadable"),
    ],
)
def test_the_manifest_refers_to_the_last_good_copy(
    paths: Paths,
    data: Path,
    bucket: TestBucket,
    tmp_path: Path,
    happens: Callable[[Path], None],
    reason: str,
) -> None:
    good = (data / GRAPH).read_bytes()
    first = sync(paths, bucket)
    happens(data / GRAPH)
    change(data / REFLECTION, 1)
    second = sync(paths, bucket)
    file = listed(bucket, second)[GRAPH]
    assert first.receipt is not None
    assert (
        file["key"]
        == f"systems/{first.receipt.system_id}/uploads/{first.receipt.upload_id}/{GRAPH}"
    )
    assert file["stale"]["reason"] == reason
    assert file["stale"]["as_of"] == first.receipt.started
    assert file["stale"]["since"] > first.receipt.started
    metadata: Any = manifest_of(bucket, second)["metadata"]
    assert metadata["skipped"] == {GRAPH: reason}
    assert listed(bucket, second)[REFLECTION]["stale"] is None
    assert restored(bucket, second, GRAPH, tmp_path) == good
    assert second.receipt is not None
    assert second.receipt.files_unchanged == ()
    # And the one after that says the same.
    change(data / REFLECTION, 1)
    third = sync(paths, bucket)
    assert listed(bucket, third)[GRAPH]["stale"] == file["stale"]


def test_one_that_is_no_longer_selected_is_carried_too(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    change(data / REFLECTION, 1)
    outcome = sync(paths, bucket, SESSION_BUDDY_AKOSHA_DATABASES=REFLECTION)
    assert listed(bucket, outcome)[GRAPH]["stale"]["reason"] == "excluded"
    assert outcome.success
    assert outcome.exit_code == 0
    assert [each.reason for each in outcome.skipped] == ["excluded"]


def test_since_when_is_kept_through_syncs_that_upload_nothing(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    (data / GRAPH).unlink()
    assert sync(paths, bucket).state == "unchanged"
    last = Receipts(paths).newest_first()[0]
    since = next(each.stale.since for each in last.files if each.name == GRAPH and each.stale)
    assert sync(paths, bucket).state == "unchanged"
    change(data / REFLECTION, 1)
    stale = listed(bucket, sync(paths, bucket))[GRAPH]["stale"]
    assert stale["since"] == since
    assert first.receipt is not None
    assert stale["as_of"] == first.receipt.started


def test_one_that_comes_back_is_no_longer_stale(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    good = (data / GRAPH).read_bytes()
    sync(paths, bucket)
    (data / GRAPH).unlink()
    change(data / REFLECTION, 1)
    assert listed(bucket, sync(paths, bucket))[GRAPH]["stale"]
    (data / GRAPH).write_bytes(good)
    assert sync(paths, bucket).state == "unchanged"
    change(data / REFLECTION, 1)
    outcome = sync(paths, bucket)
    assert listed(bucket, outcome)[GRAPH]["stale"] is None
    assert outcome.receipt is not None
    assert outcome.receipt.skipped == {}


def test_sidecars_are_carried_with_their_database(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    (data / f"{GRAPH}.wal").write_bytes(b"some wal")
    sync(paths, bucket)
    (data / GRAPH).unlink()
    (data / f"{GRAPH}.wal").unlink()
    change(data / REFLECTION, 1)
    files = listed(bucket, sync(paths, bucket))
    assert files[f"{GRAPH}.wal"]["stale"] == files[GRAPH]["stale"]


def test_a_copy_that_the_bucket_lost_is_left_out_and_said(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    (data / GRAPH).unlink()
    assert first.receipt is not None
    key = next(each.key for each in first.receipt.files if each.name == GRAPH)
    bucket.client.remove_object(bucket.name, key)
    change(data / REFLECTION, 1)
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    assert outcome.receipt.success
    assert list(listed(bucket, outcome)) == [REFLECTION]
    assert re.search(f"last good copy of {GRAPH}.* is lost", " ".join(outcome.receipt.notes))


def test_an_old_copy_is_copied_forward_though_nothing_else_changed(
    paths: Paths, data: Path, any_bucket: TestBucket, tmp_path: Path
) -> None:
    """Else a lifecycle rule would take it."""
    good = (data / GRAPH).read_bytes()
    first = sync(paths, any_bucket)
    (data / GRAPH).unlink()
    as_of = age(paths, first, GRAPH)
    outcome = sync(paths, any_bucket)
    assert outcome.receipt is not None
    file = next(each for each in outcome.receipt.files if each.name == GRAPH)
    assert outcome.receipt.upload_id in file.key
    assert file.key in outcome.receipt.files_uploaded
    assert file.stale is not None
    assert file.stale.as_of == as_of
    assert outcome.receipt.files_unchanged == (REFLECTION,)
    assert first.receipt is not None
    assert GRAPH in manifest_of(any_bucket, outcome)["files"]  # type: ignore[operator]
    for key in any_bucket.object_keys():
        if key.endswith(f"{first.receipt.upload_id}/{GRAPH}"):
            any_bucket.client.remove_object(any_bucket.name, key)
    assert restored(any_bucket, outcome, GRAPH, tmp_path) == good
    assert sync(paths, any_bucket).state == "unchanged"


def test_a_copy_goes_forward_even_when_every_database_is_gone(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    for name in (GRAPH, REFLECTION):
        (data / name).unlink()
    age(paths, first, GRAPH, REFLECTION)
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    assert outcome.receipt.success
    assert all(outcome.receipt.upload_id in each.key for each in outcome.receipt.files)
    assert len(outcome.receipt.files) == 2


@pytest.fixture
def behind(bucket: TestBucket) -> Iterator[tuple[TestBucket, FaultyProxy]]:
    """The bucket behind a proxy that makes the faults."""
    with faulty_proxy(bucket.server.endpoint) as proxy:
        yield replace(bucket, server=replace(bucket.server, endpoint=proxy.url)), proxy


def refuses_copies(exchange: Exchange) -> None:
    refused = b"x-amz-copy-source" in exchange.head.lower()
    (error(400, "NotImplemented") if refused else passed)(exchange)


def test_a_store_that_cannot_copy_gets_it_by_download_and_upload(
    paths: Paths, large: Path, behind: tuple[TestBucket, FaultyProxy], tmp_path: Path
) -> None:
    """A delta and its base, both; and what comes back later is a delta against the copy."""
    bucket, proxy = behind
    first = sync(paths, bucket)
    change(large, 1)
    second = sync(paths, bucket)
    assert first.receipt is not None
    assert second.receipt is not None
    good = large.read_bytes()
    large.unlink()
    age(paths, second, REFLECTION)
    proxy.on("PutObject", fault=refuses_copies)
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    file = next(each for each in outcome.receipt.files if each.name == REFLECTION)
    assert file.delta is not None
    assert outcome.receipt.upload_id in file.key
    assert outcome.receipt.upload_id in file.delta.base_key
    assert outcome.receipt.notes == ()
    document: Any = manifest_of(bucket, outcome)
    assert {REFLECTION, f"{REFLECTION}.delta"} <= set(document["files"])
    assert restored(bucket, outcome, REFLECTION, tmp_path) == good
    large.write_bytes(good)
    change(large, 2)
    again = sync(paths, bucket)
    assert again.receipt is not None
    delta = next(each for each in again.receipt.files if each.name == REFLECTION).delta
    assert delta is not None
    assert delta.base_key == file.delta.base_key


def test_where_it_cannot_be_copied_the_reference_stays_and_it_is_said(
    paths: Paths, data: Path, behind: tuple[TestBucket, FaultyProxy]
) -> None:
    """Once: the next sync makes no upload for it again."""
    bucket, proxy = behind
    first = sync(paths, bucket)
    (data / GRAPH).unlink()
    age(paths, first, GRAPH)
    proxy.on("PutObject", fault=refuses_copies)
    proxy.on("GetObject", fault=error(403, "AccessDenied"))
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    assert first.receipt is not None
    assert outcome.receipt.success
    assert first.receipt.upload_id in listed(bucket, outcome)[GRAPH]["key"]
    assert re.search(f"{GRAPH}.* could not be copied", " ".join(outcome.receipt.notes))
    assert sync(paths, bucket).state == "unchanged"


def test_names_of_copies_never_collide_with_what_is_uploaded(
    paths: Paths, large: Path, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    sync(paths, bucket)
    change(large, 1)
    second = sync(paths, bucket)
    good = large.read_bytes()
    large.rename(data / f"{REFLECTION}.delta")
    age(paths, second, REFLECTION)
    selected = f"{REFLECTION}.delta,{GRAPH}"
    outcome = sync(paths, bucket, SESSION_BUDDY_AKOSHA_DATABASES=selected)
    assert outcome.receipt is not None
    keys = [key for each in outcome.receipt.files for key in each.keys]
    assert len(set(keys)) == len(keys) == 4
    assert restored(bucket, outcome, REFLECTION, tmp_path) == good


def key_of(bucket: TestBucket, outcome: Outcome, name: str) -> str:
    return str(listed(bucket, outcome)[name]["key"])


def test_what_an_earlier_version_let_fall_out_is_carried_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """0.1 made manifests of what was there; its earlier receipts tell of what was there before."""
    first = sync(paths, bucket)
    (data / GRAPH).unlink()
    change(data / REFLECTION, 1)
    second = sync(paths, bucket)
    assert second.receipt is not None
    files = tuple(each for each in second.receipt.files if each.database != GRAPH)
    Receipts(paths).save(msgspec.structs.replace(second.receipt, files=files))
    unchanged = sync(paths, bucket)
    assert [each.name for each in unchanged.skipped] == [GRAPH]
    change(data / REFLECTION, 1)
    third = sync(paths, bucket)
    assert key_of(bucket, third, GRAPH) == key_of(bucket, first, GRAPH)


@pytest.mark.parametrize("left", [0, 0.5, 1])
def test_a_ledger_that_was_damaged_lets_nothing_fall_out(
    paths: Paths, data: Path, bucket: TestBucket, left: float
) -> None:
    """Receipts tell what its lines said."""
    first = sync(paths, bucket)
    (data / GRAPH).unlink()
    change(data / REFLECTION, 1)
    ledger = paths.ledger.read_bytes()
    paths.ledger.write_bytes(ledger[: int(len(ledger) * left)])
    if left == 1:
        paths.ledger.write_bytes(ledger.replace(b'"machine":"', b'"machine":"x'))
    second = sync(paths, bucket)
    assert key_of(bucket, second, GRAPH) == key_of(bucket, first, GRAPH)


def test_where_the_last_good_copy_is_lost_the_one_before_takes_its_place(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """And where none is left, the database is missed all the same."""
    first = sync(paths, bucket)
    with duckdb.connect(str(data / GRAPH)) as connection:
        connection.execute("CREATE TABLE more AS SELECT range AS number FROM range(100)")
    second = sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DELTA="false")
    bucket.client.remove_object(bucket.name, key_of(bucket, second, GRAPH))
    (data / GRAPH).unlink()
    change(data / REFLECTION, 1)
    third = sync(paths, bucket)
    assert key_of(bucket, third, GRAPH) == key_of(bucket, first, GRAPH)
    assert third.receipt is not None
    (note,) = third.receipt.notes
    assert note.startswith(f"the last good copy of {GRAPH}, as of ")
    assert "The one before it, as of " in note
    bucket.client.remove_object(bucket.name, key_of(bucket, third, GRAPH))
    change(data / REFLECTION, 1)
    fourth = sync(paths, bucket)
    assert list(listed(bucket, fourth)) == [REFLECTION]
    assert fourth.receipt is not None
    assert "No upload refers to it any more" in fourth.receipt.notes[0]
    change(data / REFLECTION, 1)
    fifth = sync(paths, bucket)
    for outcome in (fifth, sync(paths, bucket)):
        (skipped,) = outcome.skipped
        assert (skipped.name, skipped.reason) == (GRAPH, "lost")
        assert f"akosha-hook forget {GRAPH}" in skipped.message
    metadata: Any = manifest_of(bucket, fifth)["metadata"]
    assert metadata["skipped"] == {GRAPH: "lost"}
    forgotten.add(paths, GRAPH)
    assert sync(paths, bucket).skipped == ()


def test_a_database_that_only_another_destination_has_is_missed_with_where_it_is(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket, SESSION_BUDDY_AKOSHA_SYSTEM_ID="old-name")
    assert first.receipt is not None
    (data / GRAPH).unlink()
    second = sync(paths, bucket, SESSION_BUDDY_AKOSHA_SYSTEM_ID="new-name")
    for outcome in (second, sync(paths, bucket, SESSION_BUDDY_AKOSHA_SYSTEM_ID="new-name")):
        (skipped,) = outcome.skipped
        assert (skipped.name, skipped.reason) == (GRAPH, "missing")
        assert (
            f"in {first.receipt.upload_id} of old-name, in bucket {bucket.name}" in skipped.message
        )
