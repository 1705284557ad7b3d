from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.errors import NothingToBackUpError, SettingsError
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.run import Request, run
from tests.support.duck import add_ballast, change, conversations_in, make_databases
from tests.support.recovery import put
from tests.support.s3 import TestBucket
from tests.support.writer import Writer

CLOUD = Request(method="cloud", triggered_by=("manual",))


@pytest.fixture
def data(paths: Paths) -> Path:
    make_databases(paths.data, conversations=20)
    return paths.data


def context(paths: Paths, bucket: TestBucket, **changes: str) -> Context:
    environ = {**os.environ, **bucket.environment, **changes}
    loaded = settings.load_strict(environ, paths)
    return Context(loaded, paths, environ)


def sync(paths: Paths, bucket: TestBucket, request: Request = CLOUD, **changes: str) -> Outcome:
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return run(request, context(paths, bucket, **changes), Receipts(paths))


def manifest_of(bucket: TestBucket, outcome: Outcome) -> dict[str, object]:
    assert outcome.receipt is not None
    key = next(
        key
        for key in bucket.object_keys()
        if key.endswith(f"{outcome.receipt.upload_id}/manifest.json")
    )
    found = json.loads(bucket.read(key))
    assert isinstance(found, dict)
    return found


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
    assert outcome.receipt.partial == {}


def make_big(path: Path) -> None:
    """A valid-looking database of 11 MB; nobody opens it."""
    path.write_bytes(b"\0" * 8 + b"DUCK" + os.urandom(11 * 1024 * 1024))


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


def test_what_was_stored_before_the_clock_was_set_back_is_not_leaned_on(
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
    for each in document["files"]:
        each["stored_at"] += 600
    path.write_text(json.dumps(document))
    assert sync(paths, bucket).state == "unchanged"


def backdate(path: Path, *, days: int) -> None:
    document = json.loads(path.read_text())
    for each in document["files"]:
        each["stored_at"] -= days * 86_400
    path.write_text(json.dumps(document))


def test_without_deduplication_everything_is_sent_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    again = sync(paths, bucket, SESSION_BUDDY_AKOSHA_ENABLE_DEDUPLICATION="false")
    assert again.receipt is not None
    assert len(again.receipt.files_uploaded) == 2


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


@pytest.mark.parametrize(
    ("changes", "code", "exit_code"),
    [
        ({"SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": "no-such-bucket-here"}, "NoSuchBucket", 1),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch", 4),
        ({"AWS_ACCESS_KEY_ID": "wrong"}, "InvalidAccessKeyId", 4),
    ],
)
def test_what_cannot_help_by_retrying_is_said_at_once(
    paths: Paths,
    data: Path,
    bucket: TestBucket,
    changes: dict[str, str],
    code: str,
    exit_code: int,
) -> None:
    outcome = sync(paths, bucket, CLOUD, **changes)
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == code
    assert outcome.exit_code == exit_code
    assert outcome.receipt.hint
    assert len(outcome.receipt.attempts) == 1
    assert list(paths.snapshots.iterdir()) == []


def test_a_receipt_tells_what_was_done_and_is_private(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    outcome = sync(paths, bucket)
    assert outcome.receipt is not None
    path = Receipts(paths).path_of(outcome.receipt.upload_id)
    document = json.loads(path.read_text())
    assert document["success"] is True
    assert document["state"] == "done"
    assert document["triggered_by"] == ["manual"]
    assert document["destination"]["bucket"] == bucket.name
    assert (
        document["files"][0]["fingerprint"]["size"] == (data / "reflection.duckdb").stat().st_size
    )
    assert document["bytes_transferred"] >= sum(f["stored_bytes"] for f in document["files"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert bucket.server.secret_key not in path.read_text()


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


def test_snapshots_are_gone_after_the_upload(paths: Paths, data: Path, bucket: TestBucket) -> None:
    sync(paths, bucket)
    assert list(paths.snapshots.iterdir()) == []


def restored(bucket: TestBucket, outcome: Outcome, name: str, directory: Path) -> bytes:
    """The file put together from what the bucket holds, by the receipt's keys alone."""
    from akosha_hook.format import delta

    assert outcome.receipt is not None
    file = next(each for each in outcome.receipt.files if each.name == name)
    plain = gzip.decompress(bucket.read(file.key))
    if file.delta is None:
        return plain
    base, changes, target = (directory / part for part in ("base", "delta", "target"))
    base.write_bytes(gzip.decompress(bucket.read(file.delta.base_key)))
    changes.write_bytes(plain)
    delta.apply(base, changes, target)
    return target.read_bytes()


@pytest.fixture
def large(paths: Paths, data: Path) -> Path:
    """A database large enough for its changes to be worth a delta."""
    add_ballast(data / "reflection.duckdb")
    return data / "reflection.duckdb"


def test_ten_new_rows_go_as_a_delta_and_come_back(
    paths: Paths, large: Path, any_bucket: TestBucket, tmp_path: Path
) -> None:
    first = sync(paths, any_bucket)
    change(large, 10)
    second = sync(paths, any_bucket)
    change(large, 10)
    third = sync(paths, any_bucket)
    assert first.receipt is not None
    for outcome in (second, third):
        assert outcome.receipt is not None
        file = next(each for each in outcome.receipt.files if each.name == large.name)
        assert file.delta is not None
        # Differential: every delta is against the full upload.
        assert file.delta.base_key == first.receipt.files[0].key
        assert file.key.endswith("/reflection.duckdb.delta")
        assert outcome.receipt.bytes_transferred < first.receipt.bytes_transferred
    assert restored(any_bucket, third, large.name, tmp_path) == large.read_bytes()
    document = manifest_of(any_bucket, third)
    assert document["files"] == ["reflection.duckdb.delta"]


def test_rows_in_a_write_ahead_log_come_back_beside_a_delta(
    paths: Paths, large: Path, bucket: TestBucket, tmp_path: Path
) -> None:
    first = sync(paths, bucket)
    with Writer(large) as writer:
        writer.insert(10)
        second = sync(paths, bucket)
        log = large.with_name(large.name + ".wal")
        live = {path.name: path.read_bytes() for path in (large, log)}
    assert first.receipt is not None
    assert second.receipt is not None
    kinds = {each.name: bool(each.delta) for each in second.receipt.files}
    assert (kinds[large.name], kinds[log.name]) == (True, False)
    for name, content in live.items():
        assert restored(bucket, second, name, tmp_path) == content


@pytest.mark.parametrize(
    "damage",
    ["base gone", "base cut", "hashes gone", "hashes cut", "too old", "from the future", "off"],
)
def test_without_a_base_to_lean_on_a_full_upload_is_made(
    paths: Paths, large: Path, bucket: TestBucket, tmp_path: Path, damage: str
) -> None:
    first = sync(paths, bucket)
    assert first.receipt is not None
    (hashes,) = paths.receipts.glob("*reflection.duckdb.blocks")
    settings_changed = {}
    match damage:
        case "base gone":
            bucket.client.remove_object(bucket.name, first.receipt.files[0].key)
        case "base cut":
            key = first.receipt.files[0].key
            put(bucket, key, bucket.read(key)[:-1])
        case "hashes gone":
            hashes.unlink()
        case "hashes cut":
            hashes.write_bytes(hashes.read_bytes()[:-5])
        case "too old":
            backdate(Receipts(paths).path_of(first.receipt.upload_id), days=8)
        case "from the future":
            backdate(Receipts(paths).path_of(first.receipt.upload_id), days=-400)
        case "off":
            settings_changed = {"SESSION_BUDDY_AKOSHA_ENABLE_DELTA": "false"}
    change(large, 10)
    second = sync(paths, bucket, CLOUD, **settings_changed)
    assert second.receipt is not None
    file = next(each for each in second.receipt.files if each.name == large.name)
    assert file.delta is None
    assert restored(bucket, second, large.name, tmp_path) == large.read_bytes()


def test_block_hashes_go_with_the_uploads_they_describe(
    paths: Paths, large: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    sync(paths, bucket, replace(CLOUD, full=True))
    Receipts(paths).trim(keep=1)
    newest = next(iter(Receipts(paths).newest_first()))
    kept = {path.name.split(".")[0] for path in paths.receipts.glob("*.blocks")}
    assert kept == {newest.upload_id}
