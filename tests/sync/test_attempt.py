"""One try to deliver: what it says when it fails, and what does not count against its deadline."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.duckdb_reader import Counter
from akosha_hook.paths import Paths
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


def test_counting_conversations_is_not_counted_against_the_deadline(
    paths: Paths, data: Path, bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.util.retry")
    monkeypatch.setattr(Counter, "of", lambda *_: passing.sleep(3600))
    outcome = sync(paths, bucket)
    assert outcome.state == "uploaded"
    assert manifest_of(bucket, outcome)["conversation_count"] == 0
    assert len(passing.slept) == 2
