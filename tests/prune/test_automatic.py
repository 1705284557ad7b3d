"""The worker's own pruning: after an upload, at most daily."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from akosha_hook.hook import outbox
from akosha_hook.state.pruning import last
from tests.support.duck import change
from tests.support.recovery import (
    upload,
)

if TYPE_CHECKING:
    from tests.support.home import Home


def test_the_worker_prunes_after_an_upload_at_most_daily(at_home: Home) -> None:
    assert at_home.bucket is not None
    at_home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_keep_last=1)
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    assert at_home.work() == ""
    assert f"systems/laptop/uploads/{first}/manifest.json" not in at_home.bucket.object_keys()
    pruned = last(at_home.paths)
    assert pruned is not None
    assert (pruned.success, pruned.uploads_removed) == (True, 1)
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    at_home.work()
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 2
    yesterday = time.time() - 90_000
    at_home.paths.prune.write_text(json.dumps({"at": yesterday, "success": True}))
    change(at_home.paths.data / "reflection.duckdb", 3)
    outbox.record(at_home.paths, "manual", at_home.paths.claude, b"")
    at_home.work()
    manifests = [key for key in at_home.bucket.object_keys() if key.endswith("/manifest.json")]
    assert len(manifests) == 1
