"""How a file becomes an object: whole, or as what changed since a full upload."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from tests.support.duck import change
from tests.support.recovery import put
from tests.support.s3 import TestBucket
from tests.support.syncing import CLOUD, backdate, manifest_of, restored, sync
from tests.support.writer import Writer


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
