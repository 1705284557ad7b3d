"""Carrying a plan out: manifests first, so that no upload is ever there in part."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import CredentialsError, DeliveryError, Kind
from akosha_hook.stores.base import Unfinished

if TYPE_CHECKING:
    from akosha_hook.prune.planning import Plan
    from akosha_hook.stores.base import ObjectStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted: objects, manifests included, and multipart uploads aborted."""

    deleted: int
    aborted: int
    freed_bytes: int
    notes: tuple[str, ...] = ()


def apply(store: ObjectStore, plan: Plan) -> Pruned:
    """Delete what the plan says; the caller holds the sync lock.

    Repeating it after an interruption is safe. Raises DeliveryError, and CredentialsError where
    deleting is not allowed.
    """
    try:
        store.delete(plan.manifests)
        store.delete(plan.objects)
    except DeliveryError as error:
        if error.kind is not Kind.DENIED:
            raise
        raise CredentialsError(
            f"The keys in use may not delete in bucket {store.describe().name}.",
            hint="Allow s3:DeleteObject (docs/providers.md), or let a lifecycle rule do it.",
        ) from error
    denied = [store.abort(Unfinished(key, name, 0.0)) for key, name in plan.unfinished]
    notes = tuple(note for note in denied if note)
    logger.info("Pruned %d uploads of %s", len(plan.removed), plan.system_id)
    return Pruned(
        deleted=len(plan.manifests) + len(plan.objects),
        aborted=len(denied) - len(notes),
        freed_bytes=plan.freed_bytes,
        notes=(*plan.notes, *notes),
    )
