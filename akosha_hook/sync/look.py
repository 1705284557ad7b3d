"""Looking at the last upload now and then: is it still there, and all that it refers to?

A HEAD for each object, and no data. What was stored can go without any doing of ours: a lifecycle
rule, another program's cleaning up, somebody at the console.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import snapshot
from akosha_hook.errors import AkoshaHookError, DeadlinePassedError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import looks
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.looks import Look
from akosha_hook.state.receipt import DAY_SECONDS
from akosha_hook.util import clock
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.stores.base import Info, ObjectStore
    from akosha_hook.upload.stored import StoredObject

AGAIN_SECONDS = 3600.0
# Of a look that a sync makes: nobody waits for it, but the next upload does.
LOOK_SECONDS = 15.0
RETRIES, BACKOFF_SECONDS = 1, 0.5
_ABSENT = frozenset({"missing", "excluded"})
logger = logging.getLogger(__name__)


def is_due(paths: Paths, last: Receipt) -> bool:
    """Whether the last upload was neither stored nor looked at for a day.

    A look that could not be made is due again after an hour, and at once where something was lost
    that has yet to be sent again. A moment ahead of now is no proof: the clock was set back.
    """
    if last.method != "cloud":
        return False
    seen = looks.last(paths, last.destination)
    if seen is not None and seen.upload_id == last.upload_id:
        if seen.pending:
            return True
        patience = DAY_SECONDS if seen.error is None else AGAIN_SECONDS
        if _is_recent(seen.at, patience):
            return False
    return not _is_recent(_stored_at(last), DAY_SECONDS)


def _stored_at(receipt: Receipt) -> float:
    return clock.epoch(receipt.finished) if receipt.finished else 0.0


def _is_recent(moment: float, seconds: float) -> bool:
    return 0 <= time.time() - moment < seconds


def attempt(context: Context, last: Receipt, ledger: Ledger) -> Look:
    """The look that a sync makes; one that cannot be made has an error, and fails nothing."""
    try:
        return look(context, last, ledger=ledger)
    except AkoshaHookError as error:
        logger.warning("The last upload could not be looked at: %s", error.message)
        at, upload_id = time.time(), last.upload_id
        return Look(at=at, upload_id=upload_id, error=error.message, hint=error.hint)


def look(
    context: Context, last: Receipt, *, seconds: float = LOOK_SECONDS, ledger: Ledger | None = None
) -> Look:
    """Look at what the upload of `last` needs, for at most `seconds`; the caller remembers it.

    Raises AkoshaHookError where the store cannot be asked.
    """
    from akosha_hook.stores.base import READ_FAILED
    from akosha_hook.stores.opening import open_store

    policy = RetryPolicy(RETRIES, BACKOFF_SECONDS, Deadline(seconds))
    try:
        store = open_store(context, policy, subject=READ_FAILED)
        return _made(store, last, ledger or Ledger(context.paths))
    except DeadlinePassedError as error:
        raise DeliveryError(
            f"{READ_FAILED}: it did not answer within {seconds:g} s.",
            hint="Check akosha_cloud_endpoint and the network.",
            kind=Kind.TIMED_OUT,
            code="timeout",
            retryable=True,
        ) from error


def _made(store: ObjectStore, last: Receipt, ledger: Ledger) -> Look:
    from akosha_hook.upload.stored import objects_of

    needed = {each.key: each for file in last.files for each in objects_of(file)}
    found: dict[str, Info | None] = {}
    denied = 0
    for key in (manifest_key(last), *needed):
        try:
            found[key] = store.stat(key)
        except DeliveryError as error:
            if error.kind is not Kind.DENIED:
                raise
            # Keys that may not list are refused an object that is not there.
            found[key] = None
            denied += 1
    if denied == len(found):
        return Look(at=time.time(), upload_id=last.upload_id, objects=denied, verified=False)
    entry = ledger.entry(last.upload_id)
    size = entry.size if entry is not None else 0
    lost = tuple(key for key, info in found.items() if not _is_there(info, needed.get(key), size))
    made = Look(
        at=time.time(),
        upload_id=last.upload_id,
        objects=len(found),
        lost=lost,
        pending=bool(lost),
    )
    return msgspec.structs.replace(made, databases=tuple(sorted(affected(last, made))))


def _is_there(info: Info | None, stored: StoredObject | None, manifest_size: int) -> bool:
    """Whether an object is what was stored; the manifest, for which `stored` is None, by size."""
    if info is None:
        return False
    if stored is None:
        return manifest_size in {0, info.size}
    return stored.is_what(info)


def manifest_key(receipt: Receipt) -> str:
    """The key of the upload's manifest."""
    return manifest.prefix(receipt.system_id, receipt.upload_id) + manifest.NAME


def can_be_sent(last: Receipt, look: Look, databases: Iterable[str]) -> bool:
    """Whether a new upload mends some of what is lost, with `databases` there to be sent.

    A manifest is written anew; an object is sent again where its database is still here. A last
    good copy of one that is not is left out of the next manifest, with a note.
    """
    broken = affected(last, look)
    carried = {each.database for each in last.files if each.stale}
    return manifest_key(last) in look.lost or bool(broken & {*databases, *carried})


def advice(context: Context, last: Receipt, look: Look) -> str:
    """What to type where something is lost, and what that cannot mend."""
    settings = context.loaded.settings
    directory = data_directory(settings, context.paths)
    patterns, outside = settings.akosha_databases, context.outside_databases
    here = set(snapshot.find_databases(directory, patterns, outside)[0])
    here |= {each.name for each in snapshot.live_sets(settings, context.paths)}
    # One that is here and was left out of the last upload is empty, damaged or unreadable.
    bad = {each.database for each in last.files if each.stale and each.stale.reason not in _ABSENT}
    broken = affected(last, look)
    gone = sorted(broken - (here - bad))
    if not gone:
        return "akosha-hook sync, which sends again what is lost"
    names, are = ", ".join(gone), "are" if len(gone) > 1 else "is"
    why = f"{names} cannot be sent again, since what was stored {are} no longer here"
    if len(gone) < len(broken):
        return f"akosha-hook sync, which sends again the rest of what is lost; {why}"
    return f"akosha-hook sync, which makes an upload without what is lost; {why}"


def affected(last: Receipt, look: Look) -> set[str]:
    """The databases that need something of what is lost."""
    return {
        each.database
        for each in last.files
        if each.key in look.lost or (each.delta is not None and each.delta.base_key in look.lost)
    }


def note(look: Look, last: Receipt, sent: Receipt) -> str:
    """What was lost, and what became of it, for the receipt of the upload that makes it good."""
    objects = [key for key in look.lost if key != manifest_key(last)]
    if not objects:
        return (
            f"The manifest of {last.upload_id} was no longer in the bucket as it was stored; "
            f"{sent.upload_id} takes its place"
        )
    uploaded = {each.database for each in sent.files if each.status == "uploaded"}
    again = sorted(uploaded & affected(last, look))
    verb = "have" if len(again) > 1 else "has"
    what = f"{', '.join(again)} {verb} been sent again" if again else "nothing had to be sent again"
    were = "1 object was" if len(objects) == 1 else f"{len(objects)} objects were"
    return f"{were} no longer in the bucket as stored ({', '.join(objects)}); {what}"
