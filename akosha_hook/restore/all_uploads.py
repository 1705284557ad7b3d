"""Whether every upload of a system can be restored, as far as the store tells without their data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import READERS, Ownership
from akosha_hook.errors import AkoshaHookError, DamagedError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.format.parse import referenced_keys
from akosha_hook.state.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.stores.base import ObjectStore


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    """An upload, and why it cannot be restored: `problem` is "" where nothing speaks against it."""

    upload: Upload
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AllUploads:
    """Every upload of a system that has a manifest, of whichever machine, newest first.

    `unfinished` are ids of uploads without one, which nobody takes for an upload. `is_read` says that
    all data was read, `downloaded_bytes` how much that was.
    """

    system_id: str
    uploads: tuple[CheckedUpload, ...]
    unfinished: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_read: bool = False
    downloaded_bytes: int = 0

    @property
    def damaged(self) -> tuple[CheckedUpload, ...]:
        return tuple(each for each in self.uploads if each.problem)

    @property
    def objects(self) -> int:
        """How many objects the uploads need, each counted once."""
        documents = (each.upload.manifest for each in self.uploads)
        return len({key for each in documents if each for key in referenced_keys(each)})

    @property
    def machines(self) -> frozenset[str]:
        """Ids of the machines that uploaded under the name."""
        documents = (each.upload.manifest for each in self.uploads)
        return frozenset(each.metadata.machine_id for each in documents if each)


def check_uploads(store: ObjectStore, system_id: str, context: Context) -> AllUploads:
    """Check every upload by one listing and the manifests: is all that they need there, at its size?

    Objects of the newest complete one are also compared by the hash in their metadata, manifests
    with the ledger. Raises AkoshaHookError where nothing is stored, DamagedError where no upload was finished.
    """
    survey = catalog.survey(store, system_id, context, Ownership.look(context))
    found = survey.uploads
    if not found:
        raise AkoshaHookError(
            f"Nothing is stored for {system_id}.", hint="akosha-hook ls lists all systems."
        )
    # One whose manifest went between the listing and the reading is being pruned.
    listed = [each for each in found if each.manifest or each.problem]
    # By id: a manifest that cannot be read tells no sequence number.
    listed.sort(key=lambda each: each.upload_id, reverse=True)
    if not listed:
        raise DamagedError(
            f"{system_id} has no finished upload in the bucket.",
            hint="akosha-hook sync --full makes one.",
        )
    ledger = Ledger(context.paths)
    checked = [CheckedUpload(each, _problem(each, ledger)) for each in listed]
    notes = survey.notes(system_id)
    newest = next((at for at, each in enumerate(checked) if not each.problem), None)
    if newest is not None:
        problem, more = _other_content(store, checked[newest].upload)
        notes = (*notes, *more)
        checked[newest] = replace(checked[newest], problem=problem)
    unfinished = (
        each.upload_id for each in found if not each.has_manifest and not each.is_referenced
    )
    return still_listed(
        store, AllUploads(system_id, tuple(checked), tuple(unfinished), notes=notes)
    )


def still_listed(store: ObjectStore, checked: AllUploads) -> AllUploads:
    """Without the damaged ones that have no manifest any more: they were pruned meanwhile."""
    pruned = {
        each.upload.upload_id
        for each in checked.damaged
        if store.stat(_manifest_key(each.upload)) is None
    }
    if not pruned:
        return checked
    left = tuple(each for each in checked.uploads if each.upload.upload_id not in pruned)
    note = f"Deleted while this ran, and left out: {', '.join(sorted(pruned))}."
    return replace(checked, uploads=left, notes=(*checked.notes, note))


def _manifest_key(upload: Upload) -> str:
    return manifest.prefix(upload.system_id, upload.upload_id) + manifest.NAME


def _problem(upload: Upload, ledger: Ledger) -> str:
    if upload.problem:
        return upload.problem.rstrip(".")
    if upload.missing:
        first, *others = upload.missing
        more = f", and so are {len(others)} more" if len(others) > 1 else ", and so is 1 more"
        return f"{first} is not in the bucket as its manifest says{more if others else ''}"
    entry = ledger.entry(upload.upload_id)
    if entry is not None and not entry.vouches_for(upload.manifest_sha256):
        return "its manifest is not the one that this machine stored"
    return ""


def _other_content(store: ObjectStore, upload: Upload) -> tuple[str, tuple[str, ...]]:
    """What objects at the upload's keys are not what was stored, by the hash in their metadata."""
    hashes: dict[str, str] = {}
    for each in upload.manifest.metadata.files if upload.manifest else ():
        hashes[each.key] = each.sha256
        if each.delta:
            hashes[each.delta.base_key] = each.delta.base_sha256
    try:
        with ThreadPoolExecutor(READERS, thread_name_prefix="info") as pool:
            infos = dict(zip(hashes, pool.map(store.stat, hashes), strict=True))
    except DeliveryError as error:
        if error.kind is not Kind.DENIED:
            raise
        return "", ("The keys may not look at objects: no hashes were compared.",)
    metadata: Mapping[str, str]
    for key, info in infos.items():
        metadata = info.metadata if info is not None else {}
        if info is None:
            return f"{key} is not in the bucket", ()
        if metadata.get("sha256", hashes[key]) != hashes[key]:
            return f"{key} is another object than the one that was stored", ()
    return "", ()
