"""Multipart uploads that nobody will complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.errors import DeliveryError
from akosha_hook.format.parse import upload_of
from akosha_hook.prune import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.catalog import Ownership
    from akosha_hook.context import Context
    from akosha_hook.state.receipt import PartialUpload, Receipt
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.stores.base import ObjectStore, Unfinished


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload of ours to this store, and what its journal says was begun."""

    receipt: Receipt
    partial: tuple[PartialUpload, ...]

    @property
    def runs(self) -> bool:
        """Whether a sync will continue it."""
        return self.receipt.state == "uploading"


def begun(
    receipts: Receipts, context: Context, system_id: str, store: ObjectStore
) -> tuple[Begun, ...]:
    """The uploads of a system to this store that there are receipts of."""
    name = store.describe().name
    return tuple(
        Begun(each, tuple(receipts.journal(each).partial.values()))
        for each in receipts.newest_first()
        if each.destination.bucket == name
        and each.destination.endpoint == context.settings.akosha_cloud_endpoint
        and each.system_id == system_id
    )


def unfinished_uploads(
    store: ObjectStore,
    system_id: str,
    ours: Sequence[Begun],
    whose: Ownership,
    *,
    named: bool,
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Keys and ids of those to abort, and notes.

    This machine's own that no receipt will continue; where the user `named` the system, also any
    that is a day old. MinIO lists by exact key only: what our receipts remember is added.
    """
    ended = [partial for each in ours if not each.runs for partial in each.partial]
    keys_by_id = {each.multipart_id: each.key for each in ended if each.multipart_id}
    prefixes = [f"systems/{system_id}/uploads/"]
    prefixes += [each.key for each in ended if each.ambiguous or not each.multipart_id]
    notes: tuple[str, ...] = ()
    listed: list[Unfinished] = []
    try:
        listed = [each for prefix in prefixes for each in store.unfinished(prefix)]
    except DeliveryError as error:
        if error.retryable:
            raise
        notes = (f"unfinished uploads could not be listed ({error.code})",)
    own = {each.key for each in ended}
    keys_by_id |= {
        each.multipart_id: each.key
        for each in listed
        if each.key in own or _is_own(each.key, whose) or (named and age.is_abandoned(each.started))
    }
    continued = {each.receipt.upload_id for each in ours if each.runs}
    return tuple(
        (key, name) for name, key in keys_by_id.items() if _upload_id(key) not in continued
    ), notes


def _is_own(key: str, whose: Ownership) -> bool:
    return whose.ledger.is_own(_upload_id(key), whose.machine_id)


def _upload_id(key: str) -> str:
    names = upload_of(key)
    return names[1] if names else ""
