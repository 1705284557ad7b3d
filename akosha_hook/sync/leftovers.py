"""Objects of uploads that never got their manifest: used by the next upload, else removed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import AkoshaHookError, DeliveryError
from akosha_hook.format import manifest
from akosha_hook.state.ledger_lines import NO_MANIFEST, store_name
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import KEPT
from akosha_hook.sync.policy import upload_policy

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.state.ledger import Ledger
    from akosha_hook.state.receipt import ReceiptFile, Target
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.upload.job import UploadJob

# Failed uploads that are looked at after one success: each takes two or three requests.
MOST_AT_ONCE = 20
DENIED = (
    "objects of uploads that were never completed stay in the bucket, since looking for them or "
    "deleting them is denied; akosha-hook prune deletes them once it may"
)
LOST = "The upload was never completed, and its receipt was lost."
logger = logging.getLogger(__name__)


def reusable(job: UploadJob, receipts: Receipts, target: Target) -> dict[str, ReceiptFile]:
    """What failed uploads have stored of the very files that this one is to store, by file name.

    Own uploads only. Whether it is still there is for the upload to see.
    """
    if job.ledger is None or job.full:
        return {}
    machine_id = job.identity.machine_id
    wanted = {each.name: each.sha256 for each in job.last_good.values()}
    wanted |= {
        each.name: each.sha256 for database in job.snapshot.databases for each in database.files
    }
    found: dict[str, ReceiptFile] = {}
    for receipt in receipts.leftovers(target):
        for each in receipt.files:
            same = wanted.get(each.name) == each.sha256
            if same and job.ledger.holds_all_of(each, machine_id):
                found.setdefault(each.name, msgspec.structs.replace(each, stale=None))
    return found


def remove(
    context: Context, receipts: Receipts, ledger: Ledger, newest: Receipt
) -> tuple[str, ...]:
    """Delete what failed uploads left and nothing refers to, after the success of `newest`.

    What is denied is a note, once. Asks nothing of the server where nothing was left. Errors of
    the store are logged, not raised: the next sync tries again.
    """
    failed = [
        each
        for each in (*receipts.leftovers(newest.destination), *_lost(receipts, ledger, newest))
        if ledger.is_own(each.upload_id, newest.machine_id)
        and not _superseded_unseen(each, receipts, ledger, newest)
    ][:MOST_AT_ONCE]
    if not failed:
        return ()
    from akosha_hook.stores.opening import open_store

    notes: dict[str, None] = {}
    try:
        store = open_store(context, upload_policy(context.settings))
        for each in failed:
            if not _removed(store, each, receipts.keys_in_use()):
                notes[DENIED] = None
            receipts.cleared(each)
    except AkoshaHookError as error:
        logger.warning("What failed uploads left stays for now: %s", error.message)
    return tuple(notes)


def _lost(receipts: Receipts, ledger: Ledger, newest: Receipt) -> tuple[Receipt, ...]:
    """Receipts, made anew, of uploads that sent no manifest and whose receipts are gone.

    Those older than the receipts that are kept are left out: they were looked at in their time.
    """
    kept = receipts.newest_first()[:KEPT]
    oldest = kept[-1].upload_id if len(kept) == KEPT else ""
    target = newest.destination
    return tuple(
        Receipt(
            upload_id=each.upload,
            state="failed",
            method="cloud",
            success=False,
            system_id=each.system,
            machine_id=each.machine,
            started=newest.started,
            destination=target,
            error=LOST,
            leftovers=True,
        )
        for each in ledger.by_upload().values()
        if each.sha256 == NO_MANIFEST
        and (each.store, each.system) == (store_name(target), target.system_id)
        and each.upload > oldest
        and not receipts.exists(each.upload)
    )


def _superseded_unseen(
    failed: Receipt, receipts: Receipts, ledger: Ledger, newest: Receipt
) -> bool:
    """Whether a later upload may refer to its objects, whose receipt is not there to tell."""
    return any(
        each.sha256 != NO_MANIFEST and not receipts.exists(each.upload)
        for each in ledger.newer_than(failed.upload_id, newest.destination, newest.machine_id)
    )


def _removed(store: ObjectStore, failed: Receipt, needed: set[str]) -> bool:
    """Delete an upload's objects but for those `needed`; False where that is denied.

    An upload that turns out to have its manifest is complete, and stays. A copy of this state, if
    there is one, may refer to the same objects: what later uploads need stays too.
    """
    from akosha_hook.catalog.references import referenced_after

    prefix = manifest.prefix(failed.system_id, failed.upload_id)
    try:
        if store.stat(prefix + manifest.NAME) is not None:
            return True
        later = referenced_after(store, failed.system_id, failed.upload_id)
        if later is None:
            return True
        needed = needed | later
        there = [each.key for each in store.list(prefix)]
        store.delete([key for key in there if key not in needed])
    except DeliveryError as error:
        if error.retryable:
            raise
        logger.info("What %s left stays: %s", failed.upload_id, error.message)
        return False
    return True
