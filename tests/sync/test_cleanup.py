"""What earlier runs left is removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.settings import Loaded, Settings
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import cleanup
from tests.support.s3 import TestBucket
from tests.support.state_documents import TARGET, whole_receipt
from tests.support.syncing import CLOUD, sync


def test_snapshots_are_gone_after_the_upload(paths: Paths, data: Path, bucket: TestBucket) -> None:
    sync(paths, bucket)
    assert list(paths.snapshots.iterdir()) == []


def test_block_hashes_go_with_the_uploads_they_describe(
    paths: Paths, large: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    sync(paths, bucket, replace(CLOUD, full=True))
    Receipts(paths).trim(keep=1)
    newest = next(iter(Receipts(paths).newest_first()))
    kept = {path.name.split(".")[0] for path in paths.receipts.glob("*.blocks")}
    assert kept == {newest.upload_id}


def context_of(paths: Paths) -> Context:
    """A bucket that nothing listens at."""
    values = Settings(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return Context(Loaded(values, {}), paths, {})


def test_where_nothing_was_left_no_server_is_asked(paths: Paths) -> None:
    """Not even for keys, which there are none of."""
    receipts = Receipts(paths)
    receipts.save(msgspec.structs.replace(whole_receipt(), partial={}))
    assert cleanup.abort_abandoned(context_of(paths), receipts, TARGET) == ()


def test_what_cannot_be_aborted_now_is_left_for_the_next_sync(
    paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = Receipts(paths)
    receipts.save(whole_receipt())
    assert cleanup.abort_abandoned(context_of(paths), receipts, TARGET) == ()
    assert "left for the next time" in caplog.text
    assert [each.upload_id for each in Receipts(paths).abandoned(TARGET)] == [
        whole_receipt().upload_id
    ]


def test_snapshots_go_but_for_the_one_that_an_upload_continues(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(msgspec.structs.replace(whole_receipt(), state="uploading", snapshot="needed"))
    for name in ("needed", "left"):
        (paths.snapshots / name).mkdir(parents=True)
    cleanup.remove_snapshots(context_of(paths), receipts)
    assert [each.name for each in paths.snapshots.iterdir()] == ["needed"]


def test_temporary_files_of_a_process_that_is_gone_are_removed(paths: Paths) -> None:
    paths.receipts.mkdir(parents=True)
    gone = 2**22 - 3
    left = [
        directory / f".x.json.{gone}.0a0a0a0a.tmp" for directory in (paths.state, paths.receipts)
    ]
    for path in left:
        path.write_text("{")
    cleanup.tidy(context_of(paths), Receipts(paths))
    assert not any(path.exists() for path in left)
