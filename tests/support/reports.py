"""Reports of `status` on receipts that a test writes."""

from __future__ import annotations

import os
from pathlib import Path

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.state.receipt import Receipt, Target
from akosha_hook.state.receipts import Receipts
from akosha_hook.status.gather import gather
from akosha_hook.status.report import Report

CLOUD = Target(method="cloud", endpoint="http://127.0.0.1:1", bucket="memories", system_id="laptop")
AKOSHA = Target(method="http", endpoint="http://localhost:8682", system_id="laptop")


def report_now(paths: Paths) -> Report:
    """What `status` would gather here and now."""
    return gather(Context(settings.load(os.environ, paths), paths, os.environ), Path.cwd())


def leave_receipt(
    paths: Paths, second: int, target: Target = CLOUD, error: str | None = None
) -> Receipt:
    """A receipt of a delivery at that second of the day."""
    suffix = "_http" if target.method == "http" else ""
    time = f"2026-01-01T00:00:{second:02}.000+00:00"
    written = Receipt(
        upload_id=f"20260101_0000{second:02}_laptop{suffix}",
        state="failed" if error else "done",
        method=target.method,
        success=error is None,
        system_id="laptop",
        sequence=second,
        started=time,
        finished=time,
        destination=target,
        error=error,
    )
    Receipts(paths).save(written)
    return written
