"""One snapshot to one destination, with the receipt that tells of it from first byte to last."""

from __future__ import annotations

import glob
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import msgspec

from akosha_hook.errors import AkoshaHookError, DeadlinePassedError, DeliveryError
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import take as snapshot
from akosha_hook.state import backoff, identity, receipt
from akosha_hook.stores.base import Attempt, Consignment, Delivery, Journal, Surroundings
from akosha_hook.sync import select as selection
from akosha_hook.util import log
from akosha_hook.util.clock import now_iso, stamp
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.context import Context
    from akosha_hook.duckdb_reader import Counter
    from akosha_hook.paths import Paths
    from akosha_hook.snapshot.take import Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.receipt import Receipt, ReceiptFile, Target

MAX_SAID = 2000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shipment:
    """A snapshot on its way; `attempts` gathers every failed try, over all destinations."""

    context: Context
    me: Identity
    snapshot: Snapshot
    known: Mapping[str, ReceiptFile]
    triggered_by: tuple[str, ...]
    attempts: list[Attempt] = field(default_factory=list)

    def target(self, method: Literal["cloud", "http"]) -> Target:
        return selection.target_of(self.context.settings, method, self.me.system_id)


def ship(
    shipment: Shipment, method: Literal["cloud", "http"], begun: Receipt | None = None
) -> Receipt:
    """Deliver, and leave a receipt of the success or the failure; `begun` is one to continue.

    Every failure ends in the receipt, whose state stays `uploading` when a later try can continue
    from what is stored already.
    """
    context = shipment.context
    started = time.monotonic()
    paper = begun or _new_receipt(shipment, method)
    journal = _journal(context.paths, paper)
    before = _stored(journal)
    try:
        delivery = _deliver(shipment, method, paper, journal, begun=begun is not None)
    except AkoshaHookError as error:
        logger.info("Delivery by %s failed", method, exc_info=True)
        resumable = _stored(journal) > 0 and _worth_resuming(error)
        _note_failure(paper, shipment, error, resumable=resumable)
        progressed = _stored(journal) > before
        if progressed:
            # A slow network that gets on is not one failure after the other.
            backoff.succeeded(context.paths, paper.destination)
        if isinstance(error, DeadlinePassedError) and progressed:
            paper.error_code = "timeout-with-progress"
        backoff.failed(
            context.paths,
            paper.destination,
            _said(error),
            backoff.circumstances(context.settings, context.environ),
        )
    else:
        _note_success(paper, shipment, delivery)
        backoff.succeeded(context.paths, paper.destination)
    paper.finished = now_iso()
    paper.duration_seconds = round(paper.duration_seconds + time.monotonic() - started, 3)
    receipt.save(context.paths, paper)
    logger.info(
        "%s %s by %s: %d files, %d bytes sent in %.1f s",
        "Delivered" if paper.success else "Did not deliver",
        paper.upload_id,
        paper.method,
        len(paper.files_uploaded),
        paper.bytes_transferred,
        paper.duration_seconds,
    )
    return paper


def _deliver(
    shipment: Shipment,
    method: Literal["cloud", "http"],
    paper: Receipt,
    journal: Journal,
    *,
    begun: bool,
) -> Delivery:
    surroundings = _surroundings(shipment, method, journal)
    context = shipment.context
    if method == "http":
        receipt.save(context.paths, paper)
        return _push(shipment, surroundings.retry)
    from akosha_hook.duckdb_reader import Counter

    # DuckDB takes its third of a second while the client is loaded and the bucket asked.
    with Counter(shipment.snapshot.databases) as counter:
        return _deliver_to_cloud(shipment, paper, surroundings, counter, begun=begun)


def _push(shipment: Shipment, retry: RetryPolicy) -> Delivery:
    from akosha_hook.akosha import push

    databases = shipment.snapshot.databases
    result = push(shipment.context, databases, shipment.me.system_id, retry)
    return Delivery(
        files=_pushed_files(shipment.snapshot, shipment.known),
        notes=result.notes,
        bytes_transferred=result.bytes_sent,
        details=result.details,
    )


def _pushed_files(frozen: Snapshot, known: Mapping[str, ReceiptFile]) -> tuple[ReceiptFile, ...]:
    """The files that the Akosha server has: those pushed now, and those unchanged since a push.

    After a fallback the known files are in the bucket, not on this server; only those have a key.
    """
    unchanged = [
        msgspec.structs.replace(each, status="unchanged")
        for each in known.values()
        if each.database in frozen.unchanged and not each.key
    ]
    pushed = [
        receipt.ReceiptFile(
            name=each.name,
            database=database.name,
            status="uploaded",
            size=each.size,
            sha256=each.sha256,
            fingerprint=each.fingerprint,
        )
        for database in frozen.databases
        for each in database.files
    ]
    return (*unchanged, *pushed)


def _deliver_to_cloud(
    shipment: Shipment,
    paper: Receipt,
    surroundings: Surroundings,
    counter: Counter,
    *,
    begun: bool,
) -> Delivery:
    from akosha_hook.upload.deliver import Cloud

    context = shipment.context
    cloud = Cloud.open(surroundings)
    if not begun:
        paper.upload_id = cloud.free_upload_id(
            paper.upload_id,
            system_id=shipment.me.system_id,
            machine_id=shipment.me.machine_id,
            used=lambda name: receipt.path_of(context.paths, name).exists(),
        )
    frozen = _with_lost(shipment, cloud.lost(_referred(shipment)))
    paper.files_unchanged = frozen.unchanged
    receipt.save(context.paths, paper)
    logger.info("Uploading %s to bucket %s", paper.upload_id, paper.destination.bucket)
    consignment = _consignment(shipment, paper, frozen)
    return cloud.deliver(replace(consignment, conversations=counter.of))


def clear_abandoned(context: Context, target: Target) -> tuple[str, ...]:
    """Abort what uploads that nobody continues left in the bucket; notes of what was denied.

    Asks nothing of the server where nothing was left. Never raises for the destination's sake: the
    next sync tries again.
    """
    left = receipt.abandoned(context.paths, target)
    if target.method != "cloud" or not left:
        return ()
    from akosha_hook.upload.deliver import Cloud

    journal = Journal({}, {}, lambda: None)
    try:
        return Cloud.open(_surroundings_of(context, "cloud", journal, [])).abort(left)
    except AkoshaHookError as error:
        logger.warning("Unfinished uploads are left for the next time: %s", error.message)
        return ()


def _referred(shipment: Shipment) -> list[ReceiptFile]:
    unchanged = set(shipment.snapshot.unchanged)
    return [each for each in shipment.known.values() if each.database in unchanged]


def _with_lost(shipment: Shipment, lost: set[str]) -> Snapshot:
    """The snapshot, with the unchanged databases that the bucket no longer has added to it."""
    frozen = shipment.snapshot
    if not lost:
        return frozen
    logger.info("Sent again, since the bucket lacks them: %s", ", ".join(sorted(lost)))
    more = snapshot.take(
        data_directory(shipment.context.settings, shipment.context.paths),
        [glob.escape(name) for name in sorted(lost)],
        frozen.directory,
    )
    unchanged = tuple(name for name in frozen.unchanged if name not in lost)
    return snapshot.merged(replace(frozen, unchanged=unchanged), more)


def _surroundings(
    shipment: Shipment, method: Literal["cloud", "http"], journal: Journal
) -> Surroundings:
    return _surroundings_of(shipment.context, method, journal, shipment.attempts)


def _surroundings_of(
    context: Context,
    method: Literal["cloud", "http"],
    journal: Journal,
    attempts: list[Attempt],
) -> Surroundings:
    def on_retry(error: DeliveryError, attempt: int, delay: float) -> None:
        logger.warning("Retry %d in %.1f s: %s", attempt, delay, error.message)
        attempts.append(_attempt(method, error))
        context.progress.retry(_said(error), attempt, delay)

    settings = context.settings
    policy = RetryPolicy(
        max_retries=settings.akosha_max_retries,
        backoff_seconds=settings.akosha_retry_backoff_seconds,
        deadline=Deadline(settings.akosha_upload_timeout_seconds),
        on_retry=on_retry,
    )
    return Surroundings(
        settings=settings,
        paths=context.paths,
        environ=context.environ,
        retry=policy,
        progress=context.progress,
        journal=journal,
        attempts=attempts,
    )


def _consignment(shipment: Shipment, paper: Receipt, frozen: Snapshot) -> Consignment:
    return Consignment(
        snapshot=frozen,
        system_id=shipment.me.system_id,
        machine_id=shipment.me.machine_id,
        upload_id=paper.upload_id,
        sequence=paper.sequence,
        triggered_by=paper.triggered_by,
        known=shipment.known,
    )


def _new_receipt(shipment: Shipment, method: Literal["cloud", "http"]) -> Receipt:
    context = shipment.context
    return receipt.Receipt(
        upload_id=_new_upload_id(context.paths, shipment.me.system_id, method),
        state="uploading",
        method=method,
        success=False,
        system_id=shipment.me.system_id,
        machine_id=shipment.me.machine_id,
        sequence=identity.next_sequence(context.paths, context.settings),
        triggered_by=shipment.triggered_by,
        started=now_iso(),
        destination=shipment.target(method),
        skipped={each.name: each.message for each in shipment.snapshot.skipped},
        snapshot=shipment.snapshot.directory.name,
    )


def _new_upload_id(paths: Paths, system_id: str, method: Literal["cloud", "http"]) -> str:
    suffix = "" if method == "cloud" else "_http"
    first = f"{stamp()}_{system_id}{suffix}"
    candidate, number = first, 1
    while receipt.path_of(paths, candidate).exists():
        number += 1
        candidate = f"{first}_{number}"
    return candidate


def _journal(paths: Paths, paper: Receipt) -> Journal:
    stored = {each.name: each for each in paper.files}

    def save() -> None:
        paper.files = tuple(stored.values())
        receipt.save(paths, paper)

    return Journal(partial=paper.partial, stored=stored, save=save)


def _stored(journal: Journal) -> int:
    """How much of the upload is in the bucket: whole files and parts."""
    return len(journal.stored) + sum(len(each.parts) for each in journal.partial.values())


def _worth_resuming(error: AkoshaHookError) -> bool:
    return isinstance(error, DeliveryError) and error.retryable


def _said(error: AkoshaHookError) -> str:
    """The message for a file or a screen: a server may send back what it was sent."""
    return log.redacted(error.message[:MAX_SAID])


def _attempt(method: str, error: AkoshaHookError) -> Attempt:
    return Attempt(
        method=method,
        code=getattr(error, "code", "") or type(error).__name__,
        message=_said(error),
        retryable=bool(getattr(error, "retryable", False)),
        at=now_iso(),
    )


def _note_failure(
    paper: Receipt, shipment: Shipment, error: AkoshaHookError, *, resumable: bool
) -> None:
    logger.error("%s", error.message)
    shipment.attempts.append(_attempt(paper.method, error))
    paper.attempts = list(shipment.attempts)
    paper.state = "uploading" if resumable else "failed"
    paper.error = _said(error)
    paper.details = error.details
    paper.error_code = str(getattr(error, "code", "") or "")
    paper.hint = error.hint
    paper.exit_code = int(error.exit_code)


def _note_success(paper: Receipt, shipment: Shipment, delivery: Delivery) -> None:
    paper.state = "done"
    paper.success = True
    paper.attempts = list(shipment.attempts)
    paper.error, paper.error_code, paper.hint, paper.exit_code = None, "", "", 0
    paper.files = delivery.files
    paper.files_uploaded = delivery.files_uploaded
    paper.files_unchanged = tuple(
        dict.fromkeys(each.database for each in delivery.files if each.status == "unchanged")
    )
    paper.bytes_transferred += delivery.bytes_transferred
    paper.notes = [*paper.notes, *delivery.notes]
    paper.details = delivery.details
    # What is left in `partial` was begun and then not needed: it is aborted like any other.
    paper.snapshot = ""
