"""Carrying a plan out: manifests first, so that no upload is ever there in part."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog.reading import with_manifests
from akosha_hook.errors import CredentialsError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.format.parse import referenced_keys, upload_of
from akosha_hook.state.ledger import Ledger
from akosha_hook.stores.base import Unfinished

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.prune.planning import Plan
    from akosha_hook.stores.base import ObjectStore

# Nobody stores more uploads under one name while a plan is carried out.
MAX_NEW = 1000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted: objects, manifests included, and multipart uploads aborted.

    `spared` are objects of the plan that stayed, since a manifest that came meanwhile refers to
    them.
    """

    deleted: int
    aborted: int
    freed_bytes: int
    notes: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


def apply(store: ObjectStore, plan: Plan, context: Context) -> Pruned:
    """Delete what the plan says; the caller holds the sync lock.

    Repeating it after an interruption is safe. Raises DeliveryError, and CredentialsError where
    deleting is not allowed.
    """
    try:
        store.delete(plan.manifests)
        needed = _needed_since(store, plan) if plan.objects else frozenset()
        objects = [key for key in plan.objects if key not in needed]
        store.delete(objects)
    except DeliveryError as error:
        if error.kind is not Kind.DENIED:
            raise
        raise CredentialsError(
            f"The keys in use may not delete in bucket {store.describe().name}.",
            hint="Allow s3:DeleteObject (docs/providers.md), or let a lifecycle rule do it.",
        ) from error
    spared = tuple(key for key in plan.objects if key in needed)
    _leave_the_ledger(plan, spared, context)
    denied = [store.abort(Unfinished(key, name, 0.0)) for key, name in plan.unfinished]
    notes = tuple(note for note in denied if note)
    logger.info("Pruned %d uploads of %s", len(plan.removed), plan.system_id)
    return Pruned(
        deleted=len(plan.manifests) + len(objects),
        aborted=len(denied) - len(notes),
        freed_bytes=plan.freed_bytes - sum(plan.sizes.get(key, 0) for key in spared),
        notes=(*plan.notes, *notes),
        spared=spared,
    )


def _needed_since(store: ObjectStore, plan: Plan) -> frozenset[str]:
    """What the manifests refer to that were stored since the plan was made."""
    new: list[catalog.Upload] = []
    for each in store.list(f"systems/{plan.system_id}/uploads/"):
        names = upload_of(each.key)
        if names is None or each.key in plan.listed or not each.key.endswith(f"/{manifest.NAME}"):
            continue
        new.append(catalog.Upload(*names, (each,)))
    # Somebody else's, all of them: this machine stores nothing meanwhile.
    read = with_manifests(store, new[:MAX_NEW], None)
    return frozenset(
        key for each in read if each.manifest for key in referenced_keys(each.manifest)
    )


def _leave_the_ledger(plan: Plan, spared: tuple[str, ...], context: Context) -> None:
    """Take the uploads out of the ledger of which nothing is left.

    One whose objects others refer to stays in it: they are this machine's own still.
    """
    left = {_upload_id(key) for key in (*plan.still_needed, *spared)}
    gone = {_upload_id(key) for key in (*plan.manifests, *plan.objects)} - left
    Ledger(context.paths).remove(gone)


def _upload_id(key: str) -> str:
    names = upload_of(key)
    return names[1] if names else ""
