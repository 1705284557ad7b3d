"""What would be deleted: worked out from a listing, shown by a dry run, carried out as it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError, DamagedError, DeliveryError
from akosha_hook.format import manifest
from akosha_hook.format.parse import referenced_keys
from akosha_hook.prune.keep import kept
from akosha_hook.state import identity
from akosha_hook.state.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.prune.keep import Keep
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.receipt import PartialUpload, Receipt
    from akosha_hook.stores.base import Listed, ObjectStore

# Another machine may be in the middle of what is younger.
ABANDONED_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`kept` has the reason by upload id. `objects` are deleted after every one of `manifests`.

    `still_needed` are objects of uploads that go, which stay because a kept upload refers to them.
    `unfinished` are key and id of multipart uploads that nobody will complete.
    """

    system_id: str
    kept: Mapping[str, str]
    removed: tuple[Upload, ...]
    abandoned: tuple[Upload, ...]
    manifests: tuple[str, ...]
    objects: tuple[str, ...]
    still_needed: tuple[str, ...]
    unfinished: tuple[tuple[str, str], ...]
    freed_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        return not (self.manifests or self.objects or self.unfinished)


def plan(store: ObjectStore, keep: Keep, context: Context, *, system_id: str = "") -> Plan:
    """Work out what goes. `system_id` names a system on purpose; "" is this machine's.

    The caller holds the sync lock. Raises AkoshaHookError where another machine writes under this
    name and the name was not given, DamagedError where a manifest cannot be read: what it refers
    to is not known then.
    """
    if not keep:
        raise AkoshaHookError(
            "Nothing says what to keep.",
            hint="akosha-hook prune --keep-last 10 --dry-run, or set akosha_keep_last.",
        )
    me = identity.load(context.paths, context.settings)
    uploads = catalog.uploads(store, system_id or me.system_id)
    if not uploads and system_id:
        raise AkoshaHookError(
            f"Nothing is stored for {system_id}.", hint="akosha-hook ls shows every system."
        )
    _refuse_unknown(uploads)
    strangers = _strangers(uploads, me)
    if strangers and not system_id:
        raise _shared_name(me, strangers)
    ours = _receipts(context, system_id or me.system_id, store)
    alone = not strangers and system_id in {"", me.system_id}
    return _plan(store, uploads, keep, ours, system_id or me.system_id, alone=alone)


def _plan(
    store: ObjectStore,
    uploads: Sequence[Upload],
    keep: Keep,
    ours: Sequence[_Begun],
    system_id: str,
    *,
    alone: bool,
) -> Plan:
    keeping = kept([each for each in uploads if each.complete], keep)
    running = {each.receipt.upload_id for each in ours if each.receipt.state == "uploading"}
    stays = [each for each in uploads if each.upload_id in keeping or each.upload_id in running]
    removed = [each for each in uploads if each.has_manifest and each not in stays]
    old = time.time() - ABANDONED_SECONDS
    abandoned = [
        each
        for each in uploads
        if not each.has_manifest and each not in stays and _newest(each.objects) < old
    ]
    needed = {key for each in stays if each.manifest for key in referenced_keys(each.manifest)}
    going = [each for upload in (*removed, *abandoned) for each in upload.objects]
    manifests = [each for each in going if each.key.endswith(f"/{manifest.NAME}")]
    objects = [each for each in going if each not in manifests and each.key not in needed]
    unfinished, notes = _unfinished(store, system_id, ours, alone=alone)
    return Plan(
        system_id=system_id,
        kept=keeping,
        removed=tuple(removed),
        abandoned=tuple(each for each in abandoned if not _all_needed(each, needed)),
        manifests=tuple(each.key for each in manifests),
        objects=tuple(each.key for each in objects),
        still_needed=tuple(each.key for each in going if each.key in needed),
        unfinished=unfinished,
        freed_bytes=sum(each.size for each in (*manifests, *objects)),
        notes=notes,
    )


def _all_needed(upload: Upload, needed: set[str]) -> bool:
    return all(each.key in needed for each in upload.objects)


def _newest(objects: Iterable[Listed]) -> float:
    return max((each.modified for each in objects), default=0.0)


def _refuse_unknown(uploads: Sequence[Upload]) -> None:
    for each in uploads:
        if each.problem or (each.has_manifest and each.manifest is None):
            raise DamagedError(
                f"Nothing was deleted: {each.problem or each.upload_id}"
                " So what it refers to is not known.",
                hint=f"Delete systems/{each.system_id}/uploads/{each.upload_id}/manifest.json by "
                "hand if that upload is not wanted, or upgrade akosha-hook.",
            )


def _strangers(uploads: Sequence[Upload], me: Identity) -> dict[str, Upload]:
    """The newest upload of every other machine under this name."""
    newest: dict[str, Upload] = {}
    for each in uploads:
        machine = each.manifest.metadata.machine_id if each.manifest else me.machine_id
        if machine != me.machine_id:
            newest.setdefault(machine, each)
    return newest


def _shared_name(me: Identity, strangers: Mapping[str, Upload]) -> AkoshaHookError:
    newest = max(strangers.values(), key=lambda each: each.at)
    return AkoshaHookError(
        f"Nothing was deleted: another machine uploads as {me.system_id} too, last at "
        f"{newest.at.astimezone():%Y-%m-%d %H:%M} ({newest.upload_id}).",
        hint="Give each machine an akosha_system_id of its own. If it was this one before a "
        f"reinstallation: akosha-hook prune --system {me.system_id}",
    )


@dataclass(frozen=True, slots=True)
class _Begun:
    """An upload of ours to this store, and what its journal says was begun."""

    receipt: Receipt
    partial: tuple[PartialUpload, ...]


def _receipts(context: Context, system_id: str, store: ObjectStore) -> list[_Begun]:
    receipts = Receipts(context.paths)
    name = store.describe().name
    return [
        _Begun(each, tuple(receipts.journal(each).partial.values()))
        for each in receipts.newest_first()
        if each.destination.bucket == name
        and each.destination.endpoint == context.settings.akosha_cloud_endpoint
        and each.system_id == system_id
    ]


def _unfinished(
    store: ObjectStore, system_id: str, ours: Sequence[_Begun], *, alone: bool
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Multipart uploads of this system that no receipt will continue.

    Where other machines write here too, only what is a day old, since theirs may be running. MinIO
    lists by exact key only: what our receipts remember is added.
    """
    partials = [(each.receipt.state, partial) for each in ours for partial in each.partial]
    continued = {partial.key for state, partial in partials if state == "uploading"}
    ended = [partial for state, partial in partials if state != "uploading"]
    keys_by_id = {each.multipart_id: each.key for each in ended if each.multipart_id}
    prefixes = [f"systems/{system_id}/uploads/"]
    prefixes += [each.key for each in ended if each.ambiguous or not each.multipart_id]
    notes: tuple[str, ...] = ()
    try:
        listed = [each for prefix in prefixes for each in store.unfinished(prefix)]
    except DeliveryError as error:
        if error.retryable:
            raise
        notes = (f"unfinished uploads could not be listed ({error.code})",)
        listed = []
    old = time.time() - ABANDONED_SECONDS
    keys_by_id |= {each.multipart_id: each.key for each in listed if alone or each.started < old}
    return tuple((key, name) for name, key in keys_by_id.items() if key not in continued), notes
