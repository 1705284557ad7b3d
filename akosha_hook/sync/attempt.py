"""One try to deliver a snapshot to one destination, and how it may fail."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import (
    AkoshaHookError,
    DeadlinePassedError,
    DeliveryError,
    Kind,
)
from akosha_hook.state import backoff, collapsed, forgotten
from akosha_hook.sync.absent import marked, with_absent
from akosha_hook.sync.again import with_again
from akosha_hook.sync.collapse import collapses
from akosha_hook.sync.known import NOT_RECALLED, known_files, last_good, recall
from akosha_hook.sync.policy import upload_policy
from akosha_hook.sync.pushed import not_pushed, pushed_files
from akosha_hook.sync.record import (
    Arrived,
    attempt_of,
    cleaned,
    failed_receipt,
    new_receipt,
)
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.duckdb_reader import Counter
    from akosha_hook.snapshot import Database, Skipped
    from akosha_hook.state.journal import Journal
    from akosha_hook.state.receipt import Attempt, Collapse, Receipt, ReceiptFile
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.upload.job import UploadJob
    from akosha_hook.util.retry import RetryPolicy

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a delivery ended.

    `progressed` says that it ran out of time while parts got through: the next try goes on, and
    nothing is gained by another destination. `skipped` are the databases it went without.
    """

    receipt: Receipt
    progressed: bool = False
    skipped: tuple[Skipped, ...] = ()


@dataclass(slots=True)
class Delivery:
    """One try to deliver; `sent` are the sizes of the bodies that left (bytes).

    `collapsed` are the databases that have lost most of what was in them, this time or before.
    """

    job: UploadJob
    receipts: Receipts
    attempts: list[Attempt]
    receipt: Receipt
    config_hash: str
    sent: list[int] = field(default_factory=list)
    collapsed: dict[str, Collapse] | None = None

    @property
    def context(self) -> Context:
        return self.job.context

    def push(self) -> Arrived:
        """Push the rows to the Akosha server."""
        from akosha_hook.akosha import push

        job = self.job
        self.receipts.save(self.receipt)
        # Memories are in DuckDB databases only.
        databases = [each for each in job.snapshot.databases if each.kind == "duckdb"]
        result = push(
            self.context,
            databases,
            job.identity.system_id,
            self._retry_policy(),
            self._unchanged,
        )
        self.sent.append(result.bytes_sent)
        pushed = self.job.snapshot
        notes = (*result.notes, *not_pushed(pushed))
        return Arrived(pushed_files(pushed, job.known), notes=notes, details=result.details)

    def _unchanged(self) -> tuple[Database, ...]:
        """The databases that have not changed, added to the snapshot."""
        before = {each.name for each in self.job.snapshot.databases}
        frozen = with_again(self.job, set(self.job.snapshot.unchanged))
        self.job = replace(self.job, snapshot=frozen)
        return tuple(each for each in frozen.databases if each.name not in before)

    def upload(self) -> Arrived:
        """Upload the snapshot to the object store."""
        from akosha_hook.duckdb_reader import Counter

        # DuckDB counts for a third of a second, while the client is loaded and the bucket asked.
        databases = [each for each in self.job.snapshot.databases if each.kind == "duckdb"]
        with Counter(databases) as counter:
            try:
                return self._upload(counter)
            except DeliveryError as error:
                if error.kind is not Kind.LOST:
                    raise
                self._start_over(error)
                return self._upload(counter)

    def _upload(self, counter: Counter) -> Arrived:
        from akosha_hook.stores.opening import open_store
        from akosha_hook.upload.deliver import deliver as upload
        from akosha_hook.upload.stored import make_sure_it_exists, not_reusable

        policy = self._retry_policy()
        store = open_store(self.context, policy, on_sent=self._count)
        if self.receipts.last_success(self.receipt.destination) is None:
            make_sure_it_exists(store)
        self._recall(store)
        referenced = _referenced(self.job)
        gone = not_reusable(store, referenced, self.context.settings)
        # An upload that is continued names every database that its snapshot had, whatever has
        # become of the receipts that said where.
        gone |= set(self.job.snapshot.unchanged) - {each.database for each in referenced}
        frozen = with_again(self.job, gone)

        def conversations(database: Database) -> int | None:
            with policy.deadline.paused():
                return counter.of(database)

        self.job = replace(self.job, snapshot=frozen, conversations=conversations)
        skipped = self.receipt.skipped | {each.name: each.message for each in frozen.skipped}
        self.receipt = msgspec.structs.replace(
            self.receipt,
            files_unchanged=frozen.unchanged,
            files=(),
            snapshot="",
            partial={},
            skipped=skipped,
        )
        self.job.journal.skipped |= {each.name: each.reason for each in frozen.skipped}
        # The journal first: an upload that is known to have begun must know its snapshot.
        self.job.journal.save()
        self.receipts.save(self.receipt)
        logger.info("Uploading %s to %s", self.receipt.upload_id, store.describe())
        uploaded = upload(self.job, store)
        there = {each.database for each in uploaded.files}
        before = self.receipts.last_success(self.receipt.destination)
        lost = (dict(before.lost) if before else {}) | dict(uploaded.lost)
        given_up = there | forgotten.names(self.context.paths)
        self.receipt = msgspec.structs.replace(
            self.receipt,
            manifest_sha256=uploaded.manifest_sha256,
            lost={name: as_of for name, as_of in lost.items() if name not in given_up},
            collapsed=self._compare(uploaded.files),
        )
        return Arrived(uploaded.files, uploaded.keys, uploaded.notes)

    def _compare(self, files: Sequence[ReceiptFile]) -> tuple[Collapse, ...]:
        """Look for databases that have lost most of what the last upload had of them."""
        paths, target = self.context.paths, self.receipt.destination
        self.collapsed, new = collapses(
            files,
            self.receipts.successes(target),
            collapsed.at(paths, target),
            forgotten.names(paths),
            now=now_iso(),
        )
        for each in new:
            logger.warning("%s", collapsed.sentence(each))
        return new

    def _recall(self, store: ObjectStore) -> None:
        """Learn from the bucket what lost receipts said, and write it down again."""
        job = self.job
        if not job.lost or job.ledger is None:
            return
        last = recall(store, job.lost, self.receipt.destination)
        if last is None:
            self.receipt = msgspec.structs.replace(
                self.receipt, notes=(*self.receipt.notes, NOT_RECALLED)
            )
        else:
            ledger, machine_id = job.ledger, job.identity.machine_id

            def is_own(file: ReceiptFile) -> bool:
                return ledger.holds_all_of(file, machine_id)

            good = last_good(last, is_own, forgotten.names(self.context.paths))
            said = job.journal.skipped
            frozen = with_absent(job.snapshot, good, self.context, said=said)
            self.receipts.save(marked(last, frozen, good, same=False))
            known = {} if job.full else known_files(last, job.settings, is_own)
            job = replace(job, snapshot=frozen, known=known, last_good=good, source=last.upload_id)
        self.job = replace(job, lost=())

    def _start_over(self, error: DeliveryError) -> None:
        """Go on under another id; what is stored of this upload is referred to, not sent again."""
        logger.warning("%s", error.message)
        before = self.job.journal
        failed = msgspec.structs.replace(
            self.receipt,
            state="failed",
            error=cleaned(error),
            files=tuple(before.stored.values()),
            leftovers=True,
        )
        self.receipt = new_receipt(self.job, "cloud")
        journal = self.receipts.new_journal(self.receipt.upload_id, before.snapshot)
        own = self.job.key("")
        journal.stored = {
            name: each
            for name, each in before.stored.items()
            if all(key.startswith(own) for key in each.keys)
        }
        journal.skipped = dict(before.skipped)
        # What earlier uploads hold may be going at this moment.
        alone = replace(self.job, known={}, source="", full=True, forward=True)
        self.job = named(alone, self.receipt, journal)
        journal.save()
        self.receipts.closed(failed, before)

    def _count(self, size: int) -> None:
        self.sent.append(size)
        self.context.progress.advance("", 0, size)

    def _retry_policy(self) -> RetryPolicy:
        def on_retry(error: DeliveryError, attempt: int, delay: float) -> None:
            logger.warning("Retry %d in %.1f s: %s", attempt, delay, error.message)
            self.attempts.append(attempt_of(self.receipt.method, error))
            self.context.progress.retry(cleaned(error), attempt, delay)

        return upload_policy(self.context.settings, on_retry)

    def failed(self, error: AkoshaHookError, before: int) -> Ended:
        """`before` is how much was stored when the try began."""
        logger.info("Delivery by %s failed", self.receipt.method, exc_info=error)
        logger.error("%s", error.message)
        context, target = self.context, self.receipt.destination
        self.attempts.append(attempt_of(self.receipt.method, error))
        resumable = self.job.journal.progress > 0 and getattr(error, "retryable", False)
        progressed = self.job.journal.progress > before
        out_of_time = isinstance(error, DeadlinePassedError) and progressed
        if progressed:
            # Some of it arrived: on a slow network, that is not one failure after another.
            backoff.succeeded(context.paths, target)
        backoff.failed(context.paths, target, cleaned(error), self.config_hash)
        receipt = failed_receipt(
            self.receipt,
            error,
            self.attempts,
            stored=tuple(self.job.journal.stored.values()),
            resumable=resumable,
            out_of_time=out_of_time,
        )
        ledger = self.job.ledger
        begun = ledger is not None and ledger.entry(receipt.upload_id) is not None
        receipt = msgspec.structs.replace(receipt, leftovers=begun and receipt.state == "failed")
        return Ended(receipt, progressed=out_of_time)

    def close(self, receipt: Receipt) -> None:
        """Write the end down; what was begun and then not needed is aborted like any other."""
        if receipt.state == "uploading":
            self.receipts.save(receipt)
        else:
            self.receipts.closed(receipt, self.job.journal)


def named(job: UploadJob, receipt: Receipt, journal: Journal) -> UploadJob:
    """The job of the upload that the receipt is of."""
    return replace(
        job,
        upload_id=receipt.upload_id,
        sequence=receipt.sequence,
        journal=journal,
        target=receipt.destination,
    )


def _referenced(job: UploadJob) -> list[ReceiptFile]:
    unchanged = set(job.snapshot.unchanged)
    return [each for each in job.known.values() if each.database in unchanged]
