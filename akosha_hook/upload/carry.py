"""Databases that the snapshot lacks: the manifest refers to their last good copy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.format import manifest
from akosha_hook.state.receipt import is_reusable
from akosha_hook.upload.forward import copied_forward
from akosha_hook.upload.stored import lost, not_reusable
from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from akosha_hook.settings import Settings
    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Carried:
    """References to last good copies, and what is to be said of them."""

    files: list[ReceiptFile] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self.said)


def is_due(files: Iterable[ReceiptFile], settings: Settings) -> bool:
    """Whether one of these last good copies is so old that it has to be copied forward."""
    return any(not is_reusable(each.oldest_object_at, settings) for each in files)


def carry(job: UploadJob, store: ObjectStore, present: Sequence[ReceiptFile]) -> Carried:
    """The last good copy of every database that is not among `present`.

    One that has become old is copied forward, so that no lifecycle rule takes the only copy. One
    that the store no longer has is left out, with a note. Raises DeliveryError where the store
    cannot be asked now.
    """
    there = {each.database for each in present}
    carried = Carried()
    taken = _names_in_use(job)
    for database in dict.fromkeys(each.database for each in job.last_good.values()):
        if database in there:
            continue
        family = _best(job, store, database, carried)
        if not family:
            continue
        if job.forward or is_due(family, job.settings):
            family = _forward(job, store, family, taken, carried)
        carried.files += [_as_stale(each, job.skipped[database]) for each in family]
    return carried


def _best(job: UploadJob, store: ObjectStore, database: str, carried: Carried) -> list[ReceiptFile]:
    """The newest copy of the database that is there; what was lost is said."""
    newest = [each for each in job.last_good.values() if each.database == database]
    copies = [newest, *(list(each) for each in job.older.get(database, ()))]
    gone: list[str] = []
    for copy in {tuple(file.key for file in each): each for each in copies}.values():
        family = _copied_before(job, store, copy) or copy
        missing = lost(store, family)
        if not missing:
            if gone:
                carried.said.append(
                    f"the last good copy of {database}, as of {_as_of(newest)}, is lost: {gone[0]} "
                    f"is no longer in the {store.describe().kind} as it was stored. The one before "
                    f"it, as of {_as_of(family)}, takes its place"
                )
            return family
        gone += missing
    carried.said.append(
        f"the last good copy of {database}, as of {_as_of(newest)}, is lost: {gone[0]} is "
        f"no longer in the {store.describe().kind} as it was stored. No upload refers to "
        "it any more"
    )
    carried.lost[database] = newest[0].stale.as_of if newest[0].stale else ""
    return []


def _as_stale(file: ReceiptFile, reason: str) -> ReceiptFile:
    assert file.stale is not None
    stale = msgspec.structs.replace(file.stale, reason=reason)
    return msgspec.structs.replace(file, status="unchanged", stale=stale)


def _as_of(family: Sequence[ReceiptFile]) -> str:
    return minute(family[0].stale.as_of) if family[0].stale else "an unknown time"


def _names_in_use(job: UploadJob) -> set[str]:
    """Names of objects that the databases of the snapshot have, or could have, in this upload."""
    names = [each.name for database in job.snapshot.databases for each in database.files]
    names += [f"{name}.delta" for name in names]
    return {manifest.NAME, *(manifest.object_name(name) for name in names)}


def _copied_before(
    job: UploadJob, store: ObjectStore, family: Sequence[ReceiptFile]
) -> list[ReceiptFile]:
    """The same files as an earlier try has copied them; none where it did not copy them all."""
    stored = [job.journal.stored.get(each.name) for each in family]
    copies = [
        msgspec.structs.replace(copy, stale=each.stale, conversations=each.conversations)
        for each, copy in zip(family, stored, strict=True)
        if copy is not None and copy.sha256 == each.sha256
    ]
    if len(copies) < len(family) or not_reusable(store, copies, job.settings):
        return []
    return copies


def _forward(
    job: UploadJob,
    store: ObjectStore,
    family: list[ReceiptFile],
    taken: set[str],
    carried: Carried,
) -> list[ReceiptFile]:
    """The files copied below this upload's prefix; as they were, with a note, where that fails."""
    database = family[0].database
    begun = any(key.startswith(job.key("")) for key in job.journal.partial)
    # Once an upload, unless parts of it are there: it must not keep the manifest from being written.
    cut_off = database in job.journal.copying and not begun
    job.journal.copying.add(database)
    job.journal.save()
    try:
        copies = [copied_forward(job, store, each, taken, only_look=cut_off) for each in family]
    except DeadlinePassedError:
        raise
    except DeliveryError as error:
        logger.warning("%s could not be copied forward", database, exc_info=error)
        why = "an earlier try was cut off" if cut_off else error.message.rstrip(".")
        return _kept(family, why, carried)
    for each in copies:
        job.journal.stored[each.name] = msgspec.structs.replace(each, stale=None)
    job.journal.save()
    logger.info("Copied the last good copy of %s forward", database)
    return copies


def _kept(family: list[ReceiptFile], why: str, carried: Carried) -> list[ReceiptFile]:
    carried.said.append(
        f"the last good copy of {family[0].database}, as of {_as_of(family)}, could not be copied "
        f"into this upload ({why}). It stays where it is, where a lifecycle rule may delete it"
    )
    return family
