"""What a store holds: systems, their uploads, and whether each is complete."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from akosha_hook.catalog.model import Upload
from akosha_hook.catalog.opening import READERS
from akosha_hook.errors import DamagedError
from akosha_hook.format import manifest
from akosha_hook.format.parse import is_upload_id, parse, referenced_keys, upload_of
from akosha_hook.stores.base import read_at_most
from akosha_hook.util import log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.stores.base import Listed, ObjectStore

# Of all manifests of a system together: 50,000 of them as we write them.
MAX_MANIFESTS_BYTES = 128 * 1024 * 1024
_SYSTEM = re.compile(r"systems/([A-Za-z0-9_-]{1,100})/")


def systems(store: ObjectStore) -> tuple[str, ...]:
    """Names of all systems in the store; what is no system's prefix is left out."""
    matches = (_SYSTEM.fullmatch(each.key) for each in store.list("systems/", delimiter="/"))
    return tuple(sorted(match.group(1) for match in matches if match))


def uploads(store: ObjectStore, system_id: str) -> tuple[Upload, ...]:
    """Every upload of a system, incomplete ones too, newest first by sequence."""
    listed: dict[str, list[Listed]] = {}
    for each in store.list(f"systems/{system_id}/uploads/"):
        if (names := upload_of(each.key)) is not None and names[0] == system_id:
            listed.setdefault(names[1], []).append(each)
    bare = [Upload(system_id, name, tuple(objects)) for name, objects in listed.items()]
    _refuse_flood(system_id, bare)
    read = _with_manifests(store, bare)
    sizes = {each.key: each.size for objects in listed.values() for each in objects}
    needed = Counter(
        key for each in read if each.manifest for key in referenced_keys(each.manifest)
    )
    finished = (_with_relations(each, sizes, needed) for each in read)
    return tuple(sorted(finished, key=lambda each: (each.sequence, each.at), reverse=True))


def read_upload(store: ObjectStore, system_id: str, upload_id: str) -> Upload | None:
    """One upload by its id, without listing; None where it has no manifest."""
    if not is_upload_id(upload_id):
        return None
    bare = Upload(system_id, upload_id, ())
    data = _manifest_bytes(store, bare, manifest.MAX_BYTES)
    return _parsed(bare, data) if data is not None else None


def _refuse_flood(system_id: str, uploads: list[Upload]) -> None:
    """Raise DamagedError where reading every manifest would take more memory than is believable."""
    total = sum(each.manifest_bytes for each in uploads)
    if total > MAX_MANIFESTS_BYTES:
        raise DamagedError(
            f"The manifests of {system_id} have {total:,} bytes in all, more than is believable.",
            hint="akosha-hook restore UPLOAD_ID reads only that upload's.",
        )


def _with_manifests(store: ObjectStore, bare: list[Upload]) -> list[Upload]:
    """The uploads with their manifests, which several threads fetch and this one decodes.

    msgspec learns a type when it is first decoded, and crashes if two threads do that at once.
    """
    with ThreadPoolExecutor(READERS, thread_name_prefix="manifest") as pool:
        fetched = pool.map(partial(_fetch_manifest, store), bare)
        return [
            each if data is None else _parsed(each, data)
            for each, data in zip(bare, fetched, strict=True)
        ]


def _fetch_manifest(store: ObjectStore, upload: Upload) -> bytes | None:
    if not upload.has_manifest:
        return None
    return _manifest_bytes(store, upload, upload.manifest_bytes)


def _manifest_bytes(store: ObjectStore, upload: Upload, most: int) -> bytes | None:
    """The manifest, and one byte more where there is more than `most`."""
    key = manifest.prefix(upload.system_id, upload.upload_id) + manifest.NAME
    return read_at_most(store, key, most + 1)


def _parsed(upload: Upload, data: bytes) -> Upload:
    upload = replace(upload, manifest_sha256=hashlib.sha256(data).hexdigest())
    try:
        document = parse(data, system_id=upload.system_id, upload_id=upload.upload_id)
    except DamagedError as error:
        return replace(upload, problem=log.redacted(error.message))
    return replace(upload, manifest=document)


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
