"""One snapshot to one destination, with the receipt of its success or failure."""

from __future__ import annotations

import json
from pathlib import Path

from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from tests.support.s3 import TestBucket
from tests.support.syncing import sync


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
