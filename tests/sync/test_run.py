"""A sync from the databases to what is stored, and what it does when little or nothing changed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from akosha_hook.errors import NothingToBackUpError, SettingsError
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.fallback import deliver_with_fallback
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.run import Request
from tests.support.duck import change, conversations_in
from tests.support.s3 import TestBucket
from tests.support.syncing import backdate, manifest_of, restored, sync
from tests.support.writer import Writer


def test_a_sync_stores_every_database_and_the_bytes_come_back(
    paths: Paths, data: Path, any_bucket: TestBucket
) -> None:
    outcome = sync(paths, any_bucket)
    assert outcome.state == "uploaded"
    assert outcome.receipt is not None
    prefix = f"systems/{outcome.receipt.system_id}/uploads/{outcome.receipt.upload_id}/"
    assert any_bucket.object_keys() == [
        f"{prefix}knowledge_graph.duckdb",
        f"{prefix}manifest.json",
        f"{prefix}reflection.duckdb",
    ]
    for name in ("knowledge_graph.duckdb", "reflection.duckdb"):
        assert gzip.decompress(any_bucket.read(prefix + name)) == (data / name).read_bytes()


def test_nothing_changed_sends_nothing_and_asks_nothing(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    # A port where nobody listens: any request would fail.
    unreachable = replace(bucket, server=replace(bucket.server))
    before = bucket.object_keys()
    outcome = sync(paths, unreachable, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert outcome.state == "unchanged"
    assert outcome.success
    assert bucket.object_keys() == before


def test_a_touched_file_with_the_same_bytes_is_not_sent_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    before = bucket.object_keys()
    for name in ("reflection.duckdb", "knowledge_graph.duckdb"):
        os.utime(data / name)
    assert sync(paths, bucket).state == "unchanged"
    assert bucket.object_keys() == before


def test_what_was_stored_too_long_ago_is_sent_again_though_unchanged(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """Else a lifecycle rule would expire the only copy of a database that never changes."""
    first = sync(paths, bucket)
    assert first.receipt is not None
    backdate(Receipts(paths).path_of(first.receipt.upload_id), days=8)
    again = sync(paths, bucket)
    assert again.receipt is not None
    assert again.receipt.upload_id != first.receipt.upload_id
    assert len(again.receipt.files_uploaded) == 2


def test_what_was_stored_before_the_clock_was_set_back_is_not_referred_to(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """Nobody can tell how old it is; a few seconds are no reason to send everything again."""
    first = sync(paths, bucket)
    assert first.receipt is not None
    path = Receipts(paths).path_of(first.receipt.upload_id)
    backdate(path, days=-400)
    again = sync(paths, bucket)
    assert again.receipt is not None
    assert len(again.receipt.files_uploaded) == 2
    path = Receipts(paths).path_of(again.receipt.upload_id)
    document = json.loads(path.read_text())
    del document["checksum"]
    for each in document["files"]:
        each["stored_at"] += 600
    path.write_text(json.dumps(document))
    assert sync(paths, bucket).state == "unchanged"


def test_databases_that_are_all_ahead_of_the_clock_are_stored_and_then_known_by_their_bytes(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    """As after a clock was set back by hours. Nothing tells that it was, but their timestamps."""
    ahead = time.time() + 5 * 3600
    for path in data.iterdir():
        os.utime(path, (ahead, ahead))
    outcome = sync(paths, bucket)
    assert outcome.state == "uploaded"
    assert outcome.skipped == ()
    assert outcome.receipt is not None
    assert {each.fingerprint for each in outcome.receipt.files} == {None}
    for each in outcome.receipt.files:
        assert gzip.decompress(bucket.read(each.key)) == (data / each.name).read_bytes()
    assert sync(paths, bucket).state == "unchanged"


def test_without_deduplication_everything_is_sent_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    again = sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    assert again.receipt is not None
    assert len(again.receipt.files_uploaded) == 2


def test_without_deduplication_one_sync_sends_everything_once(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    assert len([key for key in bucket.object_keys() if key.endswith("/manifest.json")]) == 1
    assert len(list(Receipts(paths).newest_first())) == 1


def test_without_deduplication_what_changes_during_the_upload_is_sent_whole_and_alone(
    paths: Paths, data: Path, large: Path, bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliver_with_fallback

    def deliver_and_change(*arguments: Any, **options: Any) -> Outcome:
        outcome = real(*arguments, **options)
        if len(bucket.object_keys()) == 3:
            change(large, 1)
        return outcome

    monkeypatch.setattr("akosha_hook.sync.run.deliver_with_fallback", deliver_and_change)
    outcome = sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    assert outcome.receipt is not None
    sent = [each.name for each in outcome.receipt.files if each.status == "uploaded"]
    assert sent == ["reflection.duckdb"]
    assert [each.delta for each in outcome.receipt.files] == [None, None]
    assert len([key for key in bucket.object_keys() if key.endswith("/manifest.json")]) == 2
    stored = manifest_of(bucket, outcome)
    assert sorted(each["name"] for each in stored["metadata"]["files"]) == [  # type: ignore[index]
        "knowledge_graph.duckdb",
        "reflection.duckdb",
    ]


def test_rows_that_are_only_in_the_wal_are_stored(
    paths: Paths, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    with Writer(data / "reflection.duckdb") as writer:
        writer.insert(5)
        outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    restored = tmp_path / "restored"
    restored.mkdir()
    for file in outcome.receipt.files:
        (restored / file.name).write_bytes(gzip.decompress(bucket.read(file.key)))
    assert conversations_in(restored / "reflection.duckdb") == 25
    assert manifest_of(bucket, outcome)["conversation_count"] == 25


def test_two_destinations_do_not_share_what_is_known(
    paths: Paths, data: Path, seaweedfs_buckets: tuple[TestBucket, TestBucket]
) -> None:
    one, other = seaweedfs_buckets
    sync(paths, one)
    outcome = sync(paths, other)
    assert outcome.state == "uploaded"
    assert len(other.object_keys()) == 3


def test_a_bad_database_is_named_and_the_others_go(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    (data / "reflection.duckdb").write_bytes(b"")
    outcome = sync(paths, bucket)
    assert not outcome.success
    assert outcome.error == "Not backed up: reflection.duckdb is empty (0 bytes)."
    assert outcome.receipt is not None
    assert outcome.receipt.success
    assert [each.name for each in outcome.receipt.files] == ["knowledge_graph.duckdb"]


def test_no_database_at_all_is_an_error_that_says_where_it_looked(
    paths: Paths, bucket: TestBucket
) -> None:
    paths.data.mkdir(parents=True)
    with pytest.raises(NothingToBackUpError, match=str(paths.data)):
        sync(paths, bucket)


def test_no_bucket_and_no_fallback_is_an_error_that_says_what_to_set(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    with pytest.raises(SettingsError, match="No bucket"):
        sync(
            paths,
            bucket,
            Request(allow_fallback=False),
            SESSION_BUDDY_AKOSHA_CLOUD_BUCKET="",
        )


def test_a_receipt_cut_in_half_is_set_aside_and_costs_one_upload(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    assert first.receipt is not None
    path = Receipts(paths).path_of(first.receipt.upload_id)
    path.write_bytes(path.read_bytes()[:200])
    outcome = sync(paths, bucket)
    assert outcome.state == "uploaded"
    assert path.with_name(path.name + ".corrupt").exists()


def test_a_database_outside_the_data_directory_is_stored_under_its_own_name(
    paths: Paths, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere" / "main.duckdb"
    outside.parent.mkdir()
    (data / "reflection.duckdb").rename(outside)
    environ: dict[str, Any] = {"SESSION_BUDDY_DATABASE__PATH": str(outside)}
    first = sync(paths, bucket, **environ)
    assert first.receipt is not None
    assert sorted(each.name for each in first.receipt.files) == [
        "knowledge_graph.duckdb",
        "main.duckdb",
    ]
    assert restored(bucket, first, "main.duckdb", tmp_path) == outside.read_bytes()
    assert sync(paths, bucket, **environ).state == "unchanged"
    change(outside, 25)
    second = sync(paths, bucket, **environ)
    assert restored(bucket, second, "main.duckdb", tmp_path) == outside.read_bytes()
    # It never falls out in silence.
    outside.unlink()
    gone = sync(paths, bucket, **environ)
    (skipped,) = gone.skipped
    assert skipped.message.startswith(
        f"main.duckdb is no longer in {outside.parent}; its last good"
    )


def test_a_file_that_session_buddy_left_behind_is_no_newer_state(
    paths: Paths, data: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    """The database that is configured elsewhere keeps its name, even while its disk is away."""
    outside = tmp_path / "disk" / "reflection.duckdb"
    outside.parent.mkdir()
    shutil.copy(data / "reflection.duckdb", outside)
    change(outside, 25)
    environ: dict[str, Any] = {"SESSION_BUDDY_DATABASE_PATH": str(outside)}
    first = sync(paths, bucket, **environ)
    assert restored(bucket, first, "reflection.duckdb", tmp_path) == outside.read_bytes()
    outside.parent.rename(tmp_path / "away")
    os.utime(data / "reflection.duckdb")
    away = sync(paths, bucket, **environ)
    assert away.state == "unchanged"
    assert [each.name for each in away.skipped] == ["reflection.duckdb"]
