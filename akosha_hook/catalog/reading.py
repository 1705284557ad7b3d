"""Reading many manifests: this state's own in any case, of others as many as are believable.

Whoever can write to the store can put any number of manifests there, of any length, and objects
that nobody else may read.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from akosha_hook.catalog.opening import READERS
from akosha_hook.errors import DamagedError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.format.parse import parse
from akosha_hook.stores.base import read_at_most
from akosha_hook.util import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from akosha_hook.catalog.model import Upload
    from akosha_hook.catalog.ownership import Ownership
    from akosha_hook.stores.base import ObjectStore

# Of all manifests of others together: 50,000 of them as we write them.
MAX_MANIFESTS_BYTES = 128 * 1024 * 1024
MAX_MANIFESTS = 50_000
NOT_READ = "Its manifest was not read: there are too many manifests, or they are too long"
# What says something about one object, and not about the store, the network or the keys.
_OF_ONE_OBJECT = frozenset(
    {
        Kind.BAD_ANSWER,
        Kind.DAMAGED,
        Kind.DENIED,
        Kind.FAILED,
        Kind.INVALID,
        Kind.OUT_OF_RANGE,
        Kind.UNSUPPORTED,
    }
)


def with_manifests(
    store: ObjectStore, bare: Sequence[Upload], ownership: Ownership | None
) -> list[Upload]:
    """The uploads with their manifests, which several threads fetch and this one decodes.

    One that cannot be read is a problem of its upload alone. msgspec learns a type when it is first
    decoded, and crashes if two threads do that at once. Raises DeliveryError where the store cannot
    be read, or none of the manifests may be.
    """
    reading, left_out = believable([each for each in bare if each.has_manifest], ownership)
    with ThreadPoolExecutor(READERS, thread_name_prefix="manifest") as pool:
        fetched = pool.map(partial(_fetch, store), reading)
        denied: list[DeliveryError] = []
        read = {
            each.upload_id: _result(each, data, denied)
            for each, data in zip(reading, fetched, strict=True)
        }
    if denied and len(denied) == len(read):
        raise denied[0]
    read |= {each.upload_id: replace(each, problem=NOT_READ) for each in left_out}
    return [read.get(each.upload_id, each) for each in bare]


def believable(
    uploads: Iterable[Upload], ownership: Ownership | None
) -> tuple[list[Upload], list[Upload]]:
    """Those whose manifests are to be read, and those that are left out.

    This state's own come first and count for nothing. Of the others short manifests come first, so
    that a few huge ones push out nobody's.
    """
    own: list[Upload] = []
    others: list[Upload] = []
    for each in uploads:
        (own if ownership is not None and ownership.expects(each) else others).append(each)
    others.sort(key=lambda each: (each.manifest_bytes, each.upload_id))
    total = 0
    for count, each in enumerate(others):
        total += each.manifest_bytes
        if total > MAX_MANIFESTS_BYTES or count >= MAX_MANIFESTS:
            return own + others[:count], others[count:]
    return own + others, []


def _fetch(store: ObjectStore, upload: Upload) -> bytes | DeliveryError | None:
    try:
        return manifest_bytes(store, upload, upload.manifest_bytes)
    except DeliveryError as error:
        if error.kind not in _OF_ONE_OBJECT:
            raise
        return error


def manifest_bytes(store: ObjectStore, upload: Upload, most: int) -> bytes | None:
    """The manifest, and one byte more where there is more than `most`; None where it is gone."""
    key = manifest.prefix(upload.system_id, upload.upload_id) + manifest.NAME
    return read_at_most(store, key, most + 1)


def _result(
    upload: Upload, data: bytes | DeliveryError | None, denied: list[DeliveryError]
) -> Upload:
    if data is None:
        return upload
    if isinstance(data, bytes):
        return parsed(upload, data)
    if data.kind is Kind.DENIED:
        denied.append(data)
    what = "may not be read" if data.kind is Kind.DENIED else "cannot be read"
    return replace(upload, problem=f"The manifest of {upload.upload_id} {what}.")


def parsed(upload: Upload, data: bytes) -> Upload:
    """The upload with the manifest that those bytes are, or with the problem that it has."""
    upload = replace(upload, manifest_sha256=hashlib.sha256(data).hexdigest())
    try:
        document = parse(data, system_id=upload.system_id, upload_id=upload.upload_id)
    except DamagedError as error:
        return replace(upload, problem=log.redacted(error.message))
    return replace(upload, manifest=document)
