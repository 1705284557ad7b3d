"""One snapshot to one destination, with the receipt that tells of it from first byte to last."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import (
    AkoshaHookError,
    ForeignListenerError,
)
from akosha_hook.state import backoff, collapsed, held
from akosha_hook.sync import leftovers
from akosha_hook.sync.attempt import Delivery, Ended, named
from akosha_hook.sync.record import (
    new_receipt,
    succeeded_receipt,
)
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from akosha_hook.state.receipt import Attempt, Method, Receipt
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def deliver(
    job: UploadJob,
    receipts: Receipts,
    attempts: list[Attempt],
    method: Method,
    interrupted: Receipt | None = None,
) -> Ended:
    """Deliver, and leave a receipt of the success or the failure.

    `interrupted` is the receipt of an upload to continue. Every failure ends in the receipt, whose
    state stays `uploading` when a later try can continue from what is stored already; failed tries
    are added to `attempts`, which gathers those at other destinations too.
    """
    started = time.monotonic()
    run = _begin(job, receipts, attempts, method, interrupted)
    before = run.job.journal.progress
    target, earlier = run.receipt.destination, run.receipt.duration_seconds
    try:
        arrived = run.push() if method == "http" else run.upload()
    except AkoshaHookError as error:
        if isinstance(error, ForeignListenerError):
            held.remember(job.context.paths, error.message)
        ended = run.failed(error, before)
    else:
        ended = Ended(succeeded_receipt(run.receipt, arrived, attempts, sum(run.sent)))
        backoff.succeeded(job.context.paths, target)
    receipt = msgspec.structs.replace(
        ended.receipt,
        finished=now_iso(),
        duration_seconds=round(earlier + time.monotonic() - started, 3),
    )
    if receipt.success and run.collapsed is not None:
        # Before the receipt: an upload that is finished is not compared again.
        collapsed.remember(job.context.paths, target, run.collapsed)
    run.close(receipt)
    logger.info(
        "%s %s by %s: %d files, %d bytes sent in %.1f s",
        "Delivered" if receipt.success else "Did not deliver",
        receipt.upload_id,
        receipt.method,
        len(receipt.files_uploaded),
        receipt.bytes_transferred,
        receipt.duration_seconds,
    )
    return replace(ended, receipt=receipt, skipped=run.job.snapshot.skipped)


def _begin(
    job: UploadJob,
    receipts: Receipts,
    attempts: list[Attempt],
    method: Method,
    interrupted: Receipt | None,
) -> Delivery:
    receipt = interrupted or new_receipt(job, method)
    if interrupted:
        journal = receipts.journal(receipt)
        # 0.1 kept why a database was skipped in words only.
        journal.skipped = journal.skipped or dict.fromkeys(receipt.skipped, "skipped")
    else:
        journal = receipts.new_journal(receipt.upload_id, job.snapshot.directory.name)
        journal.skipped = {each.name: each.reason for each in job.snapshot.skipped}
        if method == "cloud":
            journal.stored = leftovers.reusable(job, receipts, receipt.destination)
    # As it is now: what the user corrects during this try counts at the next one.
    config_hash = backoff.config_hash(job.context.settings, job.context.environ)
    return Delivery(named(job, receipt, journal), receipts, attempts, receipt, config_hash)
