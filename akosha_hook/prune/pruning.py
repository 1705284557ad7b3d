"""Carrying a plan out: manifests first, so that no upload is ever there in part."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import CredentialsError, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.prune.planning import Plan
    from akosha_hook.stores.s3.bucket import Bucket

_DENIED = frozenset({"AccessDenied", "HTTP403"})
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted: objects, manifests included, and multipart uploads aborted."""

    deleted: int
    aborted: int
    freed_bytes: int
    notes: tuple[str, ...] = ()


def apply(bucket: Bucket, found: Plan) -> Pruned:
    """Delete what the plan says; the caller holds the sync lock.

    Repeating it after an interruption is safe. Raises DeliveryError, and CredentialsError where
    deleting is not allowed.
    """
    from akosha_hook.stores.s3.multipart import abort_one

    try:
        _delete(bucket, found.manifests)
        _delete(bucket, found.objects)
    except DeliveryError as error:
        if error.code not in _DENIED:
            raise
        raise CredentialsError(
            f"The keys in use may not delete in bucket {bucket.name}.",
            hint="Allow s3:DeleteObject (docs/providers.md), or let a lifecycle rule do it.",
        ) from error
    denied = [abort_one(bucket, key, multipart_id) for key, multipart_id in found.unfinished]
    notes = tuple(note for note in denied if note)
    logger.info("Pruned %d uploads of %s", len(found.removed), found.system_id)
    return Pruned(
        deleted=len(found.manifests) + len(found.objects),
        aborted=len(denied) - len(notes),
        freed_bytes=found.freed_bytes,
        notes=(*found.notes, *notes),
    )


def _delete(bucket: Bucket, keys: Iterable[str]) -> None:
    waiting = list(keys)
    # The first alone: where deleting is denied, one refusal is enough.
    for key in waiting[:1]:
        bucket.delete(key)
    with ThreadPoolExecutor(catalog.READERS, thread_name_prefix="delete") as pool:
        for _ in pool.map(bucket.delete, waiting[1:]):
            pass
