"""One snapshot to one destination, with the receipt that tells of it from first byte to last."""

from __future__ import annotations

import glob
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from akosha_hook import snapshot
from akosha_hook.errors import AkoshaHookError, DeadlinePassedError, DeliveryError
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import backoff, identity
from akosha_hook.state.receipt import Attempt, Receipt, ReceiptFile
from akosha_hook.sync import select
from akosha_hook.sync.policy import upload_policy
from akosha_hook.sync.pushed import pushed_files
from akosha_hook.util import log
from akosha_hook.util.clock import now_iso, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.context import Context
    from akosha_hook.duckdb_reader import Counter
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.journal import Journal
    from akosha_hook.state.receipt import Method
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.util.retry import RetryPolicy

MAX_MESSAGE = 2000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A snapshot that is to be delivered; `attempts` gathers every failed try, anywhere."""

    context: Context
    receipts: Receipts
    identity: Identity
    snapshot: Snapshot
    known: Mapping[str, ReceiptFile]
    triggered_by: tuple[str, ...]
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a delivery ended.

    `progressed` says that it ran out of time while parts got through: the next try goes on, and
    nothing is gained by another destination.
    """

    receipt: Receipt
    progressed: bool = False


@dataclass(frozen=True, slots=True)
class _Arrived:
    """What a destination took: files as the receipt keeps them, and what it has to say."""

    files: tuple[ReceiptFile, ...]
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def deliver(delivery: Delivery, method: Method, interrupted: Receipt | None = None) -> Ended:
    """Deliver, and leave a receipt of the success or the failure.

    `interrupted` is the receipt of an upload to continue. Every failure ends in the receipt, whose
    state stays `uploading` when a later try can continue from what is stored already.
    """
    context = delivery.context
    started = time.monotonic()
    receipt = interrupted or _new_receipt(delivery, method)
    journal = (
        delivery.receipts.journal(interrupted)
        if interrupted
        else delivery.receipts.new_journal(receipt.upload_id, delivery.snapshot.directory.name)
    )
    run = _Run(delivery, receipt, journal, is_new=interrupted is None)
    before = journal.progress
    try:
        arrived = run.push() if method == "http" else run.upload()
    except AkoshaHookError as error:
        ended = run.failed(error, before)
    else:
        ended = Ended(run.succeeded(arrived))
        backoff.succeeded(context.paths, receipt.destination)
    receipt = msgspec.structs.replace(
        ended.receipt,
        finished=now_iso(),
        duration_seconds=round(receipt.duration_seconds + time.monotonic() - started, 3),
    )
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
    return replace(ended, receipt=receipt)


@dataclass(slots=True)
class _Run:
    """One try to deliver; `sent` are the sizes of the bodies that left (bytes)."""

    delivery: Delivery
    receipt: Receipt
    journal: Journal
    is_new: bool
    sent: list[int] = field(default_factory=list)

    @property
    def context(self) -> Context:
        return self.delivery.context

    def push(self) -> _Arrived:
        """To the Akosha server."""
        from akosha_hook.akosha import push

        self.delivery.receipts.save(self.receipt)
        result = push(
            self.context,
            self.delivery.snapshot.databases,
            self.delivery.identity.system_id,
            self._retry_policy(),
        )
        self.sent.append(result.bytes_sent)
        return _Arrived(
            pushed_files(self.delivery.snapshot, self.delivery.known),
            notes=result.notes,
            details=result.details,
        )

    def upload(self) -> _Arrived:
        """To the object store."""
        from akosha_hook.duckdb_reader import Counter

        # DuckDB takes its third of a second while the client is loaded and the bucket asked.
        with Counter(self.delivery.snapshot.databases) as counter:
            return self._upload(counter)

    def _upload(self, counter: Counter) -> _Arrived:
        from akosha_hook.stores import open_store
        from akosha_hook.upload.deliver import deliver as upload
        from akosha_hook.upload.job import UploadJob
        from akosha_hook.upload.stored import free_upload_id, not_reusable

        context, delivery = self.context, self.delivery
        store = open_store(context, self._retry_policy(), on_sent=self._count)
        if self.is_new:
            self._rename(
                free_upload_id(
                    store, self.receipt.upload_id, delivery.identity, delivery.receipts.exists
                )
            )
        gone = not_reusable(store, _referenced(delivery), context.settings)
        frozen = _with_again(delivery, gone)
        self.receipt = msgspec.structs.replace(
            self.receipt, files_unchanged=frozen.unchanged, files=(), snapshot="", partial={}
        )
        # The journal first: an upload that is known to have begun must know its snapshot.
        self.journal.save()
        delivery.receipts.save(self.receipt)
        logger.info("Uploading %s to %s", self.receipt.upload_id, store.describe())
        uploaded = upload(
            UploadJob(
                context=context,
                identity=delivery.identity,
                snapshot=frozen,
                upload_id=self.receipt.upload_id,
                sequence=self.receipt.sequence,
                journal=self.journal,
                known=delivery.known,
                triggered_by=self.receipt.triggered_by,
                conversations=counter.of,
            ),
            store,
        )
        return _Arrived(uploaded.files, uploaded.keys)

    def _rename(self, upload_id: str) -> None:
        self.receipt = msgspec.structs.replace(self.receipt, upload_id=upload_id)
        self.journal = self.delivery.receipts.new_journal(
            upload_id, self.delivery.snapshot.directory.name
        )

    def _count(self, size: int) -> None:
        self.sent.append(size)
        self.context.progress.advance("", 0, size)

    def _retry_policy(self) -> RetryPolicy:
        def on_retry(error: DeliveryError, attempt: int, delay: float) -> None:
            logger.warning("Retry %d in %.1f s: %s", attempt, delay, error.message)
            self.delivery.attempts.append(_attempt(self.receipt.method, error))
            self.context.progress.retry(_cleaned(error), attempt, delay)

        return upload_policy(self.context.settings, on_retry)

    def failed(self, error: AkoshaHookError, before: int) -> Ended:
        """The receipt of a failure; `before` is how much was stored when the try began."""
        logger.info("Delivery by %s failed", self.receipt.method, exc_info=error)
        logger.error("%s", error.message)
        context, target = self.context, self.receipt.destination
        self.delivery.attempts.append(_attempt(self.receipt.method, error))
        resumable = self.journal.progress > 0 and getattr(error, "retryable", False)
        progressed = self.journal.progress > before
        out_of_time = isinstance(error, DeadlinePassedError) and progressed
        if progressed:
            # A slow network that gets on is not one failure after the other.
            backoff.succeeded(context.paths, target)
        backoff.failed(
            context.paths,
            target,
            _cleaned(error),
            backoff.config_hash(context.settings, context.environ),
        )
        receipt = msgspec.structs.replace(
            self.receipt,
            attempts=tuple(self.delivery.attempts),
            state="uploading" if resumable else "failed",
            error=_cleaned(error),
            details=error.details,
            error_code="timeout-with-progress" if out_of_time else getattr(error, "code", ""),
            hint=error.hint,
            exit_code=int(error.exit_code),
        )
        return Ended(receipt, progressed=out_of_time)

    def succeeded(self, arrived: _Arrived) -> Receipt:
        return msgspec.structs.replace(
            self.receipt,
            state="done",
            success=True,
            attempts=tuple(self.delivery.attempts),
            error=None,
            error_code="",
            hint="",
            exit_code=0,
            files=arrived.files,
            files_uploaded=arrived.keys,
            files_unchanged=tuple(
                dict.fromkeys(each.database for each in arrived.files if each.status == "unchanged")
            ),
            notes=(*self.receipt.notes, *arrived.notes),
            bytes_transferred=self.receipt.bytes_transferred + sum(self.sent),
            details=dict(arrived.details),
        )

    def close(self, receipt: Receipt) -> None:
        """Write the end down; what was begun and then not needed is aborted like any other."""
        if receipt.state == "uploading":
            self.delivery.receipts.save(receipt)
        else:
            self.delivery.receipts.closed(receipt, self.journal)


def _new_receipt(delivery: Delivery, method: Method) -> Receipt:
    context, me = delivery.context, delivery.identity
    return Receipt(
        upload_id=_new_upload_id(delivery.receipts, me.system_id, method),
        state="uploading",
        method=method,
        success=False,
        system_id=me.system_id,
        machine_id=me.machine_id,
        sequence=identity.next_sequence(context.paths, context.settings),
        triggered_by=delivery.triggered_by,
        started=now_iso(),
        destination=select.target_of(context.settings, method, me.system_id),
        skipped={each.name: each.message for each in delivery.snapshot.skipped},
    )


def _new_upload_id(receipts: Receipts, system_id: str, method: Method) -> str:
    suffix = "" if method == "cloud" else "_http"
    first = f"{stamp()}_{system_id}{suffix}"
    candidate, number = first, 1
    while receipts.exists(candidate):
        number += 1
        candidate = f"{first}_{number}"
    return candidate


def _referenced(delivery: Delivery) -> list[ReceiptFile]:
    unchanged = set(delivery.snapshot.unchanged)
    return [each for each in delivery.known.values() if each.database in unchanged]


def _with_again(delivery: Delivery, gone: set[str]) -> Snapshot:
    """The snapshot, with the unchanged databases that the bucket no longer has added to it."""
    frozen = delivery.snapshot
    if not gone:
        return frozen
    logger.info("Sent again, since the bucket lacks them: %s", ", ".join(sorted(gone)))
    more = snapshot.take(
        data_directory(delivery.context.settings, delivery.context.paths),
        [glob.escape(name) for name in sorted(gone)],
        frozen.directory,
    )
    unchanged = tuple(name for name in frozen.unchanged if name not in gone)
    return snapshot.merged(replace(frozen, unchanged=unchanged), more)


def _cleaned(error: AkoshaHookError) -> str:
    """The message for a file or a screen: a server may send back what it was sent."""
    return log.redacted(error.message[:MAX_MESSAGE])


def _attempt(method: str, error: AkoshaHookError) -> Attempt:
    return Attempt(
        method=method,
        code=getattr(error, "code", "") or type(error).__name__,
        message=_cleaned(error),
        retryable=bool(getattr(error, "retryable", False)),
        at=now_iso(),
    )
