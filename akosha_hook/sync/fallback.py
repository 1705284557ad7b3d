"""Falling back: one snapshot to each destination in turn, until one takes it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.sync.delivery import deliver
from akosha_hook.sync.outcome import Outcome
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Skipped
    from akosha_hook.state.receipt import Attempt, Method, Receipt
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def deliver_with_fallback(
    job: UploadJob,
    receipts: Receipts,
    chain: Sequence[Method],
    *,
    interrupted: Receipt | None = None,
    full: bool = False,
) -> Outcome:
    """Deliver to the first of `chain` that takes it; the snapshot goes unless it is still needed.

    `interrupted` is the upload to continue. With `full`, an Akosha server gets every row again. A
    destination that ran out of time but got on is not fallen back from: the next sync continues.
    """
    attempts: list[Attempt] = []
    receipt: Receipt | None = None
    first: Receipt | None = None
    skipped: tuple[Skipped, ...] = ()
    for method in chain:
        if receipt is not None:
            logger.warning("Falling back to %s: %s", method, receipt.error)
            job.context.progress.fallback(receipt.error or "")
        job.context.progress.phase("upload" if method == "cloud" else "akosha")
        if method == "http" and full:
            _forget_acknowledged(job.context)
        continued = interrupted if method == "cloud" else None
        ended = deliver(job, receipts, attempts, method, continued)
        receipt = ended.receipt
        first = first or receipt
        skipped = ended.skipped
        if receipt.success or ended.progressed:
            break
    assert receipt is not None
    assert first is not None
    if first.state != "uploading":
        files.remove_tree(job.snapshot.directory)
    busy = any(each.reason == "busy" for each in skipped)
    # When every destination failed, the preferred one's failure is what the user has to mend.
    shown = receipt if receipt.success else first
    return Outcome(
        state="uploaded" if receipt.success else "failed",
        method=shown.method,
        receipt=shown,
        skipped=skipped,
        unchanged=job.snapshot.unchanged,
        pending=busy or receipt.method != chain[0] or not receipt.success,
        collapsed=shown.collapsed,
    )


def _forget_acknowledged(context: Context) -> None:
    from akosha_hook.akosha import forget

    forget(context.paths, context.settings.akosha_http_url)
