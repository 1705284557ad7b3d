"""What a store holds: systems, their uploads, and whether each is complete."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akosha_hook.catalog.model import Upload
from akosha_hook.catalog.reading import NOT_READ, manifest_bytes, parsed, with_manifests
from akosha_hook.format import manifest
from akosha_hook.format.parse import is_upload_id, referenced_keys, upload_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.catalog.ownership import Ownership
    from akosha_hook.stores.base import Listed, ObjectStore

# Objects of others' uploads that are held in memory; of this state's own, all are.
MAX_OBJECTS = 300_000
# A manifest of somebody else's may lie so far ahead of this machine's clock.
AHEAD_SECONDS = 86_400.0
SHOWN = 3
_SYSTEM = re.compile(r"systems/([A-Za-z0-9_-]{1,100})/")


@dataclass(frozen=True, slots=True)
class Listing:
    """The uploads of a system, newest first, and what else lies below its prefix.

    `strays` are some of the `stray_count` keys that are no upload's; `left_out` is how many objects
    of others were more than is believable.
    """

    uploads: tuple[Upload, ...]
    strays: tuple[str, ...] = ()
    stray_count: int = 0
    left_out: int = 0

    @property
    def not_read(self) -> int:
        """How many manifests were left out."""
        return sum(each.problem == NOT_READ for each in self.uploads)

    def notes(self, system_id: str) -> tuple[str, ...]:
        """What a user should know of what is not among the uploads."""
        notes = []
        if self.not_read or self.left_out:
            notes.append(
                f"{self.not_read:,} manifests and {self.left_out:,} other objects of {system_id} were "
                "left out: there are more than is believable. All that this machine has stored "
                "itself was read."
            )
        if self.stray_count:
            objects = "1 object" if self.stray_count == 1 else f"{self.stray_count:,} objects"
            more = ", …" if self.stray_count > len(self.strays) else ""
            notes.append(
                f"{objects} below systems/{system_id}/uploads/ can be no upload's: "
                f"{', '.join(self.strays)}{more}"
            )
        return tuple(notes)


def systems(store: ObjectStore) -> tuple[str, ...]:
    """Names of all systems in the store; what is no system's prefix is left out."""
    matches = (_SYSTEM.fullmatch(each.key) for each in store.list("systems/", delimiter="/"))
    return tuple(sorted(match.group(1) for match in matches if match))


def uploads(
    store: ObjectStore, system_id: str, ownership: Ownership | None = None
) -> tuple[Upload, ...]:
    """Every upload of a system, incomplete ones too, newest first."""
    return listing(store, system_id, ownership).uploads


def listing(store: ObjectStore, system_id: str, ownership: Ownership | None = None) -> Listing:
    """Every upload of a system, incomplete ones too, newest first by sequence.

    What lies ahead of this machine's clock and is not its own by `ownership` comes last.
    """
    found = _Found(system_id, ownership)
    for each in store.list(f"systems/{system_id}/uploads/"):
        found.add(each)
    bare = [Upload(system_id, name, tuple(objects)) for name, objects in found.listed.items()]
    read = with_manifests(store, bare, ownership)
    sizes = {each.key: each.size for objects in found.listed.values() for each in objects}
    needed = Counter(
        key for each in read if each.manifest for key in referenced_keys(each.manifest)
    )
    finished = (
        _ranked(_with_relations(each, sizes, needed), ownership, time.time()) for each in read
    )
    ordered = sorted(
        finished, key=lambda each: (not each.ahead, each.sequence, each.at), reverse=True
    )
    return Listing(tuple(ordered), tuple(found.strays), found.stray_count, found.left_out)


class _Found:
    """Objects by the id of their upload, as a listing goes on."""

    def __init__(self, system_id: str, ownership: Ownership | None) -> None:
        self.listed: dict[str, list[Listed]] = {}
        self.strays: list[str] = []
        self.stray_count = 0
        self.left_out = 0
        self._system_id = system_id
        self._own = ownership.ledger.own(ownership.machine_id) if ownership else frozenset()
        self._others = 0

    def add(self, listed: Listed) -> None:
        names = upload_of(listed.key)
        if names is None or names[0] != self._system_id:
            self.stray_count += 1
            if len(self.strays) < SHOWN:
                self.strays.append(listed.key)
            return
        if names[1] not in self._own:
            self._others += 1
            if self._others > MAX_OBJECTS:
                self.left_out += 1
                return
        self.listed.setdefault(names[1], []).append(listed)


def read_upload(store: ObjectStore, system_id: str, upload_id: str) -> Upload | None:
    """One upload by its id, without listing; None where it has no manifest."""
    if not is_upload_id(upload_id):
        return None
    bare = Upload(system_id, upload_id, ())
    data = manifest_bytes(store, bare, manifest.MAX_BYTES)
    return parsed(bare, data) if data is not None else None


def _ranked(upload: Upload, ownership: Ownership | None, now: float) -> Upload:
    """The upload, `ahead` where it is. What this state stored counts whatever its clock said then."""
    if upload.manifest is None or (ownership is not None and ownership.owns(upload)):
        return upload
    ahead = max(float(upload.sequence), upload.at.timestamp()) > now + AHEAD_SECONDS
    return replace(upload, ahead=True) if ahead else upload


def _has_base(delta: manifest.Delta, sizes: Mapping[str, int]) -> bool:
    """Whether the base of a delta is there; at its size, where the manifest noted that."""
    size = sizes.get(delta.base_key)
    return size is not None and delta.base_stored_size in {0, size}


def _with_relations(upload: Upload, sizes: Mapping[str, int], needed: Counter[str]) -> Upload:
    missing: list[str] = []
    for each in upload.manifest.metadata.files if upload.manifest else ():
        if sizes.get(each.key) != each.stored_size:
            missing.append(each.key)
        if each.delta and not _has_base(each.delta, sizes):
            missing.append(each.delta.base_key)
    itself = referenced_keys(upload.manifest) if upload.manifest else set()
    return replace(
        upload,
        missing=tuple(dict.fromkeys(missing)),
        is_referenced=any(needed[each.key] > (each.key in itself) for each in upload.objects),
    )
