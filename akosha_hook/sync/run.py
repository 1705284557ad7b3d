"""A sync: the only place where snapshot, upload, push and receipts meet."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import logging
import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import snapshot
from akosha_hook.errors import NothingToBackUpError
from akosha_hook.state import forgotten, identity, looks, pinning
from akosha_hook.state.ledger import Ledger
from akosha_hook.sync import cleanup, leftovers, look, present, pushed_rows
from akosha_hook.sync.absent import absent, marked
from akosha_hook.sync.fallback import deliver_with_fallback
from akosha_hook.sync.known import older_copies
from akosha_hook.sync.under_way import Request, Sync, destinations
from akosha_hook.upload.job import UploadJob
from akosha_hook.util import files
from akosha_hook.util.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.state.receipt import Receipt, ReceiptFile
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.sync.outcome import Outcome

ROUNDS = 3
# What a destination imports costs as long as copying 50 MB: both happen at once.
MODULES = {
    "cloud": ("akosha_hook.upload.deliver", "akosha_hook.stores.s3.connect"),
    "http": ("akosha_hook.akosha",),
}
logger = logging.getLogger(__name__)
__all__ = ["Request", "destinations", "run"]


def run(request: Request, context: Context, receipts: Receipts) -> Outcome:
    """Bring the newest state of the databases to the preferred destination, else the next one.

    The caller holds the sync lock. An upload that was cut off is finished first; after every
    upload the databases are looked at again, since they may have changed meanwhile. Raises
    AkoshaHookError where there is nothing to try: no destination, no database, no disk; and
    UnconfirmedError where the settings lead elsewhere than the user has confirmed.
    """
    started = time.monotonic()
    chain = destinations(request, context, dropped=context.dropped)
    pinning.settle(context, pinning.parts_of(chain))
    me = identity.load(context.paths, context.settings)
    ledger = Ledger(context.paths)
    ledger.begin(receipts.newest_first(), me.sequence)
    ledger.complete(receipts.newest_first())
    receipts.disown(me.machine_id)
    sync = Sync(request, context, receipts, me, chain, ledger)
    receipts.fail_unfinished(sync.target, superseded_by=None)
    # Before anything is copied: they may be what fills the disk.
    cleanup.remove_snapshots(context, receipts)
    outcome = _finish_interrupted(sync)
    sync = dataclasses.replace(sync, again=outcome is not None)
    for number in range(ROUNDS):
        if outcome is not None and (outcome.state != "uploaded" or outcome.pending):
            break
        try:
            latest = _round(sync)
        except NothingToBackUpError:
            if number == 0:
                raise
            break
        if outcome is None:
            outcome = latest
        elif latest.state != "unchanged":
            collapsed = (*outcome.collapsed, *latest.collapsed)
            outcome = dataclasses.replace(latest, collapsed=collapsed)
        else:
            outcome = dataclasses.replace(outcome, skipped=latest.skipped)
        if latest.state != "uploaded":
            break
        # `full` is for the first round.
        sync = dataclasses.replace(
            sync, request=dataclasses.replace(request, full=False), again=True
        )
    assert outcome is not None
    if outcome.state != "failed":
        outcome = _supersede(sync, outcome)
    elif chain != destinations(request, context):
        outcome = _explain_no_fallback(sync, outcome)
    cleanup.tidy(context, receipts)
    return dataclasses.replace(outcome, duration_seconds=time.monotonic() - started)


def _explain_no_fallback(sync: Sync, outcome: Outcome) -> Outcome:
    """Say that Akosha was not used, since what a project set may be why the cloud failed."""
    receipt = outcome.receipt
    if receipt is None:
        return outcome
    reason = f"Nothing was pushed to Akosha instead: {sync.context.dropped[0]}."
    receipt = msgspec.structs.replace(receipt, error=f"{receipt.error} {reason}")
    sync.receipts.save(receipt)
    return dataclasses.replace(outcome, receipt=receipt)


def _round(sync: Sync) -> Outcome:
    context = sync.context
    context.progress.phase("snapshot")
    meanwhile = functools.partial(_import, MODULES[sync.chain[0]])
    now = present.look(sync, _new_directory(context), meanwhile=meanwhile)
    frozen, known = now.frozen, now.known
    for each in frozen.skipped:
        logger.warning("%s", each.message)
    if now.last is not None:
        _mark(sync.receipts, now.last, frozen, now.good, same=now.same)
    if not now.has_news:
        files.remove_tree(frozen.directory)
        outcome = present.nothing_new(sync, frozen)
        if sync.chain[0] == "http":
            return _still_pushed(sync, outcome)
        return _still_there(sync, frozen, outcome)
    if sync.sends_everything:
        # Of what changed meanwhile, too, nothing builds on what is stored.
        known = {name: each for name, each in known.items() if each.database in frozen.unchanged}
    # Where only a copy is renewed, there is nothing that another destination could take.
    chain = sync.chain if frozen.databases else sync.chain[:1]
    return _deliver(dataclasses.replace(sync, chain=chain), frozen, known)


def _new_directory(context: Context) -> Path:
    return context.paths.snapshots / f"{stamp()}-{time.monotonic_ns()}"


def _mark(
    receipts: Receipts,
    last: Receipt,
    frozen: Snapshot,
    good: Mapping[str, ReceiptFile],
    *,
    same: bool,
) -> None:
    """Keep in the last receipt since when databases are absent, and the `stat` of the others."""
    seen = marked(last, frozen, good, same=same)
    if seen != last:
        receipts.save(seen)


def _import(modules: tuple[str, ...]) -> None:
    for name in modules:
        importlib.import_module(name)


def _still_there(sync: Sync, frozen: Snapshot, outcome: Outcome) -> Outcome:
    """`outcome`, unless a look was due and found something lost: that is sent again."""
    last = sync.receipts.last_success(sync.target)
    paths = sync.context.paths
    if outcome.state != "unchanged" or last is None or not look.is_due(paths, last):
        return outcome
    sync.context.progress.phase("verify")
    seen = look.attempt(sync.context, last, sync.ledger)
    can_be_sent = look.can_be_sent(last, seen, outcome.unchanged)
    looks.remember(paths, sync.target, msgspec.structs.replace(seen, pending=can_be_sent))
    if not seen.lost:
        return outcome
    logger.warning("No longer in the bucket as stored: %s", ", ".join(seen.lost))
    if not can_be_sent:
        return outcome
    # The fallback would not bring back what this destination lost.
    only = dataclasses.replace(sync, chain=sync.chain[:1])
    frozen = dataclasses.replace(frozen, databases=(), unchanged=outcome.unchanged)
    # That the manifest is gone is known: nobody takes what it names away just now.
    source = "" if look.manifest_key(last) in seen.lost else last.upload_id
    sent = _deliver(only, frozen, sync.known(last), source=source)
    if sent.receipt is None or not sent.receipt.success:
        return sent
    notes = (*sent.receipt.notes, look.note(seen, last, sent.receipt))
    receipt = msgspec.structs.replace(sent.receipt, notes=notes)
    sync.receipts.save(receipt)
    return dataclasses.replace(sent, receipt=receipt)


def _still_pushed(sync: Sync, outcome: Outcome) -> Outcome:
    """`outcome`, unless the Akosha server lost what was pushed to it: then all is sent again."""
    if outcome.state != "unchanged" or not pushed_rows.is_due(sync):
        return outcome
    whole = sync.gone(present.take(sync, {}, _new_directory(sync.context)))
    if not pushed_rows.are_lost(sync, whole):
        files.remove_tree(whole.directory)
        return outcome
    return _deliver(sync, whole, {})


def _deliver(
    sync: Sync,
    frozen: Snapshot,
    known: Mapping[str, ReceiptFile],
    interrupted: Receipt | None = None,
    *,
    source: str | None = None,
) -> Outcome:
    successes = sync.receipts.successes(sync.target)
    newest = successes[0].upload_id if successes and sync.chain[0] == "cloud" else ""
    job = UploadJob(
        context=sync.context,
        identity=sync.identity,
        snapshot=frozen,
        known=known,
        source=newest if source is None else source,
        last_good=sync.last_good(),
        older=older_copies(successes, sync.is_own, absent(frozen, sync.last_good())),
        lost=sync.lost(),
        full=sync.sends_everything,
        triggered_by=interrupted.triggered_by if interrupted else sync.request.triggered_by,
        ledger=sync.ledger,
    )
    return deliver_with_fallback(
        job, sync.receipts, sync.chain, interrupted=interrupted, full=sync.request.full
    )


def _finish_interrupted(sync: Sync) -> Outcome | None:
    """Continue an upload that a killed or timed-out run left, on the bytes frozen then."""
    if sync.chain[0] != "cloud" or sync.request.full:
        return None
    receipts = sync.receipts
    interrupted = receipts.interrupted(sync.target)
    if interrupted is None:
        return None
    name = receipts.journal(interrupted).snapshot
    frozen = snapshot.reopen(sync.context.paths.snapshots / name) if name else None
    if frozen is None:
        reason = interrupted.error or "The upload was interrupted and its snapshot is gone."
        receipts.fail(interrupted, reason)
        return None
    logger.info("Continuing upload %s", interrupted.upload_id)
    frozen = dataclasses.replace(frozen, unchanged=interrupted.files_unchanged)
    last = receipts.last_success(sync.target)
    frozen = sync.gone(frozen, said=receipts.journal(interrupted).skipped)
    return _deliver(sync, frozen, sync.known(last), interrupted)


def _supersede(sync: Sync, outcome: Outcome) -> Outcome:
    """Give up older uploads that a newer one made useless, and abort what they left."""
    receipts, receipt = sync.receipts, outcome.receipt
    if receipt is not None and receipt.success and receipt.destination == sync.target:
        receipts.fail_unfinished(sync.target, superseded_by=receipt.upload_id)
    notes = cleanup.abort_abandoned(sync.context, receipts, sync.target)
    if receipt is not None and receipt.success and receipt.destination == sync.target:
        forgotten.discard(
            sync.context.paths, {each.database for each in receipt.files if not each.stale}
        )
        notes += leftovers.remove(sync.context, receipts, sync.ledger, receipt)
    if not notes or receipt is None:
        return outcome
    receipt = msgspec.structs.replace(receipt, notes=(*receipt.notes, *notes))
    receipts.save(receipt)
    return dataclasses.replace(outcome, receipt=receipt)
