"""What earlier runs left is removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from tests.support.s3 import TestBucket
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
