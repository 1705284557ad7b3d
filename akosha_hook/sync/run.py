"""The only place where snapshot, destinations and receipts meet."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from akosha_hook.context import Context
from akosha_hook.errors import AkoshaHookError, NothingToBackUpError
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import take as snapshot
from akosha_hook.state import identity, receipt
from akosha_hook.sync import delivery
from akosha_hook.sync import select as selection
from akosha_hook.sync.delivery import Shipment, ship
from akosha_hook.sync.outcome import Outcome
from akosha_hook.util import files
from akosha_hook.util.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.snapshot.take import Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.receipt import Receipt, ReceiptFile, Target

ROUNDS = 3
# What a destination imports costs as long as copying 50 MB: both happen at once.
MODULES = {
    "cloud": "akosha_hook.upload.deliver",
    "http": "akosha_hook.akosha",
}
logger = logging.getLogger(__name__)

__all__ = ["Context", "Request", "run"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a sync. `full` sends everything again, whatever is stored already."""

    method: selection.Method = "auto"
    allow_fallback: bool = True
    triggered_by: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    context: Context
    me: Identity
    chain: tuple[Literal["cloud", "http"], ...]

    @property
    def target(self) -> Target:
        """The preferred destination."""
        return selection.target_of(self.context.settings, self.chain[0], self.me.system_id)

    @property
    def last(self) -> Receipt | None:
        """The last success at the preferred destination."""
        return receipt.last_success(self.context.paths, self.target)

    def known(self, last: Receipt | None) -> dict[str, ReceiptFile]:
        """What is stored and may be leaned on, by file name.

        A database stored longer ago than `akosha_full_interval_days` is not: it is sent again even
        if it never changes, so that a lifecycle rule does not expire the only copy.
        """
        settings = self.context.settings
        if last is None or self.request.full or not settings.akosha_enable_deduplication:
            return {}
        cloud = last.method == "cloud"
        old = {
            each.database
            for each in last.files
            if cloud and not receipt.may_be_leaned_on(each.leaned_on_since, settings)
        }
        return {each.name: each for each in last.files if each.database not in old}


def run(request: Request, context: Context) -> Outcome:
    """Bring the newest state of the databases to the preferred destination, else the next one.

    The caller holds the sync lock. An upload that was cut off is finished first; after every
    upload the databases are looked at again, since they may have changed meanwhile. Raises
    AkoshaHookError where there is nothing to try: no destination, no database, no disk.
    """
    started = time.monotonic()
    chain = selection.destinations(
        context.settings, request.method, allow_fallback=request.allow_fallback
    )
    job = _Job(request, context, identity.load(context.paths, context.settings), chain)
    receipt.give_up_unfinished(context.paths, job.target, superseded_by=None)
    # Before anything is copied: they may be what fills the disk.
    _remove_snapshots(context)
    outcome = _finish_interrupted(job)
    for _ in range(ROUNDS):
        if outcome is not None and (outcome.state != "uploaded" or outcome.owed):
            break
        latest = _round(job)
        if outcome is None or latest.state != "unchanged":
            outcome = latest
        if latest.state != "uploaded":
            break
        # `full` is for the first round: the next one only asks what changed meanwhile.
        job = dataclasses.replace(job, request=dataclasses.replace(request, full=False))
    assert outcome is not None
    if outcome.state != "failed":
        _clear(job, outcome)
    _tidy(context)
    return dataclasses.replace(outcome, duration_seconds=time.monotonic() - started)


def _round(job: _Job) -> Outcome:
    context = job.context
    last = job.last
    known = job.known(last)
    source = data_directory(context.settings, context.paths)
    context.progress.phase("snapshot")
    directory = context.paths.snapshots / f"{stamp()}-{time.monotonic_ns()}"
    try:
        frozen = snapshot.take(
            source,
            context.settings.akosha_databases,
            directory,
            known={name: each.fingerprint for name, each in known.items() if each.fingerprint},
            meanwhile=functools.partial(importlib.import_module, MODULES[job.chain[0]]),
        )
    except AkoshaHookError:
        files.remove_tree(directory)
        raise
    for each in frozen.skipped:
        logger.warning("%s", each.message)
    if not frozen.databases:
        files.remove_tree(frozen.directory)
        return _nothing_new(job, frozen, source)
    if last is not None and all(
        receipt.same_content(database, known) for database in frozen.databases
    ):
        _refresh_fingerprints(context, last, frozen)
        files.remove_tree(frozen.directory)
        return _nothing_new(job, frozen, source)
    return _ship_along_chain(job, frozen, known, None)


def _nothing_new(job: _Job, frozen: Snapshot, source: Path) -> Outcome:
    same = (*frozen.unchanged, *(database.name for database in frozen.databases))
    busy = any(each.reason == "busy" for each in frozen.skipped)
    if not same and not frozen.skipped:
        raise NothingToBackUpError(
            f"There is no database to back up in {source}.",
            hint="Set akosha_data_dir to Session-Buddy's data directory.",
        )
    if not same and all(each.reason == "missing" for each in frozen.skipped):
        raise NothingToBackUpError(
            f"There is no database to back up: {frozen.skipped[0].message}.",
            hint="Set akosha_data_dir to Session-Buddy's data directory.",
        )
    return Outcome(
        state="busy" if busy else "unchanged",
        method=job.chain[0],
        skipped=frozen.skipped,
        unchanged=same,
        owed=busy,
    )


def _refresh_fingerprints(context: Context, last: Receipt, frozen: Snapshot) -> None:
    """The bytes were the same although stat was not: next time stat will do."""
    seen = {each.name: each.fingerprint for database in frozen.databases for each in database.files}
    last.files = tuple(
        msgspec.structs.replace(each, fingerprint=seen[each.name]) if seen.get(each.name) else each
        for each in last.files
    )
    receipt.save(context.paths, last)


def _ship_along_chain(
    job: _Job, frozen: Snapshot, known: Mapping[str, ReceiptFile], begun: Receipt | None
) -> Outcome:
    shipment = Shipment(
        job.context,
        job.me,
        frozen,
        known,
        begun.triggered_by if begun else job.request.triggered_by,
    )
    paper: Receipt | None = None
    first: Receipt | None = None
    for method in job.chain:
        if paper is not None:
            logger.warning("Falling back to %s: %s", method, paper.error)
            job.context.progress.fallback(paper.error or "")
        job.context.progress.phase("upload" if method == "cloud" else "akosha")
        if method == "http" and job.request.full:
            _forget_acknowledged(job.context)
        paper = ship(shipment, method, begun if method == "cloud" else None)
        first = first or paper
        if paper.success or paper.error_code == "timeout-with-progress":
            break
    assert paper is not None
    assert first is not None
    if first.state != "uploading":
        files.remove_tree(frozen.directory)
    busy = any(each.reason == "busy" for each in frozen.skipped)
    # When every destination failed, the preferred one's failure is what the user has to mend.
    told = paper if paper.success else first
    return Outcome(
        state="uploaded" if paper.success else "failed",
        method=told.method,
        receipt=told,
        skipped=frozen.skipped,
        unchanged=frozen.unchanged,
        owed=busy or paper.method != job.chain[0] or not paper.success,
    )


def _forget_acknowledged(context: Context) -> None:
    from akosha_hook.akosha import forget

    forget(context.paths, context.settings.akosha_http_url)


def _finish_interrupted(job: _Job) -> Outcome | None:
    """Continue an upload that a killed or timed-out run left, on the bytes frozen then."""
    if job.chain[0] != "cloud" or job.request.full:
        return None
    context = job.context
    begun = receipt.interrupted(context.paths, job.target)
    if begun is None:
        return None
    frozen = snapshot.reopen(context.paths.snapshots / begun.snapshot) if begun.snapshot else None
    if frozen is None:
        begun.state = "failed"
        begun.error = begun.error or "The upload was interrupted and its snapshot is gone."
        receipt.save(context.paths, begun)
        return None
    logger.info("Continuing upload %s", begun.upload_id)
    frozen = dataclasses.replace(frozen, unchanged=begun.files_unchanged)
    return _ship_along_chain(job, frozen, job.known(job.last), begun)


def _clear(job: _Job, outcome: Outcome) -> None:
    """Give up older uploads that a newer one made useless, and abort what they left."""
    context = job.context
    paper = outcome.receipt
    if paper is not None and paper.success and paper.destination == job.target:
        receipt.give_up_unfinished(context.paths, job.target, superseded_by=paper.upload_id)
    notes = delivery.clear_abandoned(context, job.target)
    if notes and paper is not None:
        paper.notes = [*paper.notes, *notes]
        receipt.save(context.paths, paper)


def _tidy(context: Context) -> None:
    """Remove what killed runs left: snapshots no upload needs any more, temporary files."""
    receipt.trim(context.paths)
    for directory in (context.paths.state, context.paths.receipts):
        files.remove_abandoned(directory)
    _remove_snapshots(context)
    data = data_directory(context.settings, context.paths)
    if any(data.glob(".akosha-restore-*")):
        from akosha_hook.restore.staging import remove_stale

        remove_stale(data)


def _remove_snapshots(context: Context) -> None:
    """Remove those that no upload continues."""
    snapshots = context.paths.snapshots
    found = list(snapshots.iterdir()) if snapshots.is_dir() else []
    if not found:
        return
    papers = receipt.newest_first(context.paths)
    needed = {each.snapshot for each in papers if each.state == "uploading"}
    for directory in found:
        if directory.name not in needed:
            files.remove_tree(directory)
