"""How a file becomes an object: whole, or as what changed since a full upload."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.state.receipts import Receipts
from akosha_hook.stores.base import Stored
from akosha_hook.upload.plan import (
    PlannedObject,
    content_of,
    possible_delta,
    reference,
    stored_file,
)
from tests.support.duck import change
from tests.support.jobs import frozen, job
from tests.support.recovery import put
from tests.support.s3 import TestBucket
from tests.support.syncing import CLOUD, backdate, manifest_of, restored, sync
from tests.support.writer import Writer

MIB = 1024 * 1024
BEFORE = random.Random(1).randbytes(2 * MIB)
AFTER = BEFORE[:MIB] + b"ten new rows" + BEFORE[MIB + 12 :]


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
def test_without_a_base_a_full_upload_is_made(
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


def planned(
    paths: Paths, content: bytes, known: ReceiptFile | None, **settings: bool
) -> PlannedObject | None:
    """`content` as it would be sent after `known` was stored."""
    snapshot = frozen(paths, reflection=content)
    names = {} if known is None else {known.name: known}
    upload = job(paths, snapshot, Settings(**settings), known=names)  # type: ignore[arg-type]
    database = snapshot.databases[0]
    return possible_delta(upload, database, database.file)


def stored_before(paths: Paths, content: bytes, **settings: bool) -> ReceiptFile:
    """What is known of `content` after a full upload of it."""
    snapshot = frozen(paths, reflection=content)
    database = snapshot.databases[0]
    upload = job(paths, snapshot, Settings(**settings), upload_id="20260101_120000_laptop")  # type: ignore[arg-type]
    whole = PlannedObject(upload, database, database.file)
    paths.receipts.mkdir(parents=True, exist_ok=True)
    return stored_file(whole, content_of(whole), Stored(whole.key, 500, "etag"))


def test_a_change_is_sent_as_a_delta_against_the_full_upload(paths: Paths) -> None:
    known = stored_before(paths, BEFORE)
    delta = planned(paths, AFTER, known)
    assert delta is not None
    assert delta.base is not None
    assert delta.base.base_key == known.key
    assert delta.base.base_stored_size == 500
    assert delta.name == "reflection.duckdb.delta"
    assert 0 < delta.plain_bytes < 3 * 4096
    content = content_of(delta)
    assert known.sha256[:16] in content.codec
    assert content.sha256 != known.sha256
    again = stored_file(delta, content, Stored(delta.key, 100, "size"))
    assert (again.delta, again.verified) == (delta.base, "size")


@pytest.mark.parametrize(
    "case", ["never stored", "small", "off", "without hashes", "changed everywhere"]
)
def test_else_it_is_sent_whole(paths: Paths, case: str) -> None:
    before = BEFORE[: MIB // 2] if case == "small" else BEFORE
    known = stored_before(paths, before, akosha_enable_delta=case != "without hashes")
    after = {
        "small": b"!" + before[1:],
        "changed everywhere": random.Random(2).randbytes(2 * MIB),
    }
    settings = {"akosha_enable_delta": case != "off"}
    last = None if case == "never stored" else known
    assert planned(paths, after.get(case, AFTER), last, **settings) is None


@pytest.mark.parametrize("compress", [True, False])
def test_an_object_is_packed_the_same_way_every_time(paths: Paths, compress: bool) -> None:
    """An interrupted upload is continued by packing again."""
    snapshot = frozen(paths, reflection=BEFORE)
    settings = Settings(akosha_enable_compression=compress)
    upload = job(paths, snapshot, settings)
    database = snapshot.databases[0]
    content = content_of(PlannedObject(upload, database, database.file))
    first, second = b"".join(content.chunks()), b"".join(content.chunks())
    assert first == second
    assert (gzip.decompress(first) if compress else first) == database.file.path.read_bytes()
    assert content.encoding == ("gzip" if compress else "")
    assert content.metadata == {"sha256": database.file.sha256, "size": str(database.file.size)}


def test_a_reference_takes_the_newer_look_where_the_bytes_were_read_again(paths: Paths) -> None:
    known = stored_before(paths, BEFORE)
    fresh = frozen(paths, reflection=BEFORE).databases[0].file
    assert reference(known, None).fingerprint == known.fingerprint
    assert reference(known, fresh).fingerprint == fresh.fingerprint != known.fingerprint
    assert reference(known, fresh).status == "unchanged"
