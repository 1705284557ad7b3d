"""What a destination already holds, from the last receipt, or from the manifest where that is lost."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DamagedError, DeliveryError
from akosha_hook.format import manifest
from akosha_hook.format.parse import parse, upload_of, uploaded_at
from akosha_hook.state.ledger_lines import NO_MANIFEST
from akosha_hook.state.receipt import Receipt, ReceiptFile, is_reusable
from akosha_hook.stores.base import read_at_most
from akosha_hook.util import clock
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from akosha_hook.format.manifest import Manifest, StoredFile
    from akosha_hook.settings import Settings
    from akosha_hook.state.ledger import Ledger
    from akosha_hook.state.ledger_lines import Entry
    from akosha_hook.state.receipt import Target
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.stores.base import ObjectStore

# Manifests that are asked for, at most, until one is found.
MOST_RECALLED = 10
NOT_RECALLED = (
    "receipts were lost, and what they said could not be read from the bucket: a database that is gone "
    "may be missing from this upload without being named"
)
REBUILT = "this receipt was lost, and rebuilt from the manifest in the bucket"
_TIME = re.compile(r"\d{8}_\d{6}")
logger = logging.getLogger(__name__)


def known_files(
    last: Receipt | None, settings: Settings, is_own: Callable[[ReceiptFile], bool]
) -> dict[str, ReceiptFile]:
    """What is stored and may be referred to, by file name.

    A database stored longer ago than `akosha_full_interval_days` is not: it is sent again even if
    it never changes, so that a lifecycle rule does not expire the only copy. Nor is one that needs
    an object of an upload that is not this machine's own.
    """
    if last is None:
        return {}
    left_out = {
        each.database
        for each in last.files
        if last.method == "cloud"
        and not (is_reusable(each.oldest_object_at, settings) and is_own(each))
    }
    return {each.name: each for each in last.files if each.database not in left_out}


def last_good(
    last: Receipt | None, is_own: Callable[[ReceiptFile], bool], forgotten: Collection[str]
) -> dict[str, ReceiptFile]:
    """The last good copy of every database that was stored and not forgotten, by file name.

    `stale` is set on each as if its database were not in the present snapshot, with the reason of
    the last time or "".
    """
    if last is None or last.method != "cloud":
        return {}
    foreign = {each.database for each in last.files if not is_own(each)}
    now = now_iso()
    return {
        each.name: msgspec.structs.replace(
            each,
            stale=each.stale or manifest.Stale(reason="", since=now, as_of=last.started),
        )
        for each in last.files
        if each.database not in foreign and each.database not in forgotten
    }


def best_copies(
    successes: Sequence[Receipt],
    is_own: Callable[[ReceiptFile], bool],
    forgotten: Collection[str],
) -> dict[str, ReceiptFile]:
    """The last good copy of every database that any of the `successes` (newest first) has.

    The newest one names them all, but for those that a version before it, or a damaged ledger, let
    fall out.
    """
    best = last_good(successes[0] if successes else None, is_own, forgotten)
    left_out = {*forgotten, *_lost(successes), *(each.database for each in best.values())}
    for receipt in successes[1:]:
        if {each.database for each in receipt.files} <= left_out:
            continue
        found = last_good(receipt, is_own, left_out)
        best |= found
        left_out |= {each.database for each in found.values()}
    return best


def older_copies(
    successes: Sequence[Receipt],
    is_own: Callable[[ReceiptFile], bool],
    databases: Collection[str],
) -> dict[str, tuple[tuple[ReceiptFile, ...], ...]]:
    """Every copy of those databases, the newest first: where one is lost, the next may be there."""
    copies: dict[str, dict[tuple[str, ...], tuple[ReceiptFile, ...]]] = {}
    wanted = {each for each in databases if each not in _lost(successes)}
    for receipt in successes if wanted else ():
        found = last_good(receipt, is_own, ())
        for database in wanted & {each.database for each in found.values()}:
            family = tuple(each for each in found.values() if each.database == database)
            copies.setdefault(database, {}).setdefault(tuple(each.key for each in family), family)
    return {database: tuple(families.values()) for database, families in copies.items()}


def _lost(successes: Sequence[Receipt]) -> dict[str, str]:
    return dict(successes[0].lost) if successes else {}


def elsewhere(
    receipts: Sequence[Receipt], target: Target, left_out: Collection[str]
) -> dict[str, Receipt]:
    """Databases that were stored at other destinations only, with the newest upload of each."""
    here = {
        each.database
        for receipt in receipts
        if receipt.success and receipt.destination == target
        for each in receipt.files
    }
    found: dict[str, Receipt] = {}
    for receipt in receipts:
        if receipt.success and receipt.method == "cloud" and receipt.destination != target:
            for each in receipt.files:
                if each.database not in here and each.database not in left_out:
                    found.setdefault(each.database, receipt)
    return found


def lost_receipts(
    receipts: Receipts, ledger: Ledger, target: Target, machine_id: str
) -> tuple[Entry, ...]:
    """Uploads newer than the last known success whose receipts are gone, newest first."""
    if target.method != "cloud":
        return ()
    last = receipts.last_success(target)
    return tuple(
        each
        for each in ledger.newer_than(last.upload_id if last else "", target, machine_id)
        if each.sha256 != NO_MANIFEST and not receipts.exists(each.upload)
    )


def recall(store: ObjectStore, lost: Sequence[Entry], target: Target) -> Receipt | None:
    """The receipt of the newest of the `lost` uploads, rebuilt from its manifest.

    It has no fingerprints, so that everything is read and compared by its content. A manifest is
    believed only if it is the one that the ledger names. Raises DeliveryError where the store
    cannot be asked now.
    """
    for entry in lost[:MOST_RECALLED]:
        document = _manifest(store, entry)
        if document is not None:
            logger.warning("The receipt of %s was lost; its manifest is used", entry.upload)
            return _rebuilt(document, target)
    return None


def _manifest(store: ObjectStore, entry: Entry) -> Manifest | None:
    key = manifest.prefix(entry.system, entry.upload) + manifest.NAME
    try:
        data = read_at_most(store, key, manifest.MAX_BYTES + 1)
    except DeliveryError as error:
        if error.retryable:
            raise
        logger.warning("%s cannot be read: %s", key, error.message)
        return None
    if data is None or not entry.vouches_for(hashlib.sha256(data).hexdigest()):
        return None
    try:
        document = parse(data, system_id=entry.system, upload_id=entry.upload)
    except DamagedError as error:
        logger.warning("%s", error.message)
        return None
    return document if document.metadata.machine_id == entry.machine else None


def _rebuilt(document: Manifest, target: Target) -> Receipt:
    details = document.metadata
    when = uploaded_at(document).isoformat(timespec="seconds")
    own = manifest.prefix(details.system_id, details.upload_id)
    listed = tuple(_file(each, own) for each in details.files)
    return Receipt(
        upload_id=details.upload_id,
        state="done",
        method="cloud",
        success=True,
        system_id=details.system_id,
        machine_id=details.machine_id,
        sequence=max(details.sequence, 0),
        triggered_by=details.triggered_by,
        started=when,
        finished=when,
        destination=target,
        files=listed,
        files_uploaded=tuple(own + name for name in document.files),
        files_unchanged=tuple(
            dict.fromkeys(
                each.database for each in listed if each.status == "unchanged" and not each.stale
            )
        ),
        skipped=details.skipped,
        notes=(REBUILT,),
    )


def _file(stored: StoredFile, own: str) -> ReceiptFile:
    return ReceiptFile(
        name=stored.name,
        database=stored.database,
        status="uploaded" if stored.key.startswith(own) and not stored.stale else "unchanged",
        size=stored.size,
        sha256=stored.sha256,
        key=stored.key,
        stored_bytes=stored.stored_size,
        compression=stored.compression,
        codec=stored.codec,
        delta=stored.delta,
        stored_at=_stored_at(stored.key),
        stale=stored.stale,
        kind=stored.kind,
    )


def _stored_at(key: str) -> int:
    """When the upload of that key began (epoch seconds), by its id; 0 where that does not say."""
    names = upload_of(key)
    match = _TIME.match(names[1]) if names else None
    if match is None:
        return 0
    date, time = match[0].split("_")
    try:
        return int(clock.epoch(f"{date}T{time}+00:00"))
    except ValueError:
        return 0
