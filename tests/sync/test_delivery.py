"""One snapshot to one destination, with the receipt of its success or failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akosha_hook.duckdb_reader import Counter
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from tests.support.passing import passing_time
from tests.support.s3 import TestBucket
from tests.support.syncing import CLOUD, manifest_of, sync


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


def test_counting_conversations_is_not_counted_against_the_deadline(
    paths: Paths, data: Path, bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.util.retry")
    monkeypatch.setattr(Counter, "of", lambda *_: passing.sleep(3600))
    outcome = sync(paths, bucket)
    assert outcome.state == "uploaded"
    assert manifest_of(bucket, outcome)["conversation_count"] == 0
    assert len(passing.slept) == 2
