"""Copying what an earlier upload holds below the present one's prefix, so that it is young again."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DeadlinePassedError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.state import block_hashes
from akosha_hook.stores.base import PIECE_BYTES, Content
from akosha_hook.upload.stored import StoredObject, base_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import Info, ObjectStore
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def copied_forward(
    job: UploadJob,
    store: ObjectStore,
    file: ReceiptFile,
    taken: set[str],
    *,
    only_look: bool = False,
) -> ReceiptFile:
    """The file with every object that it needs copied below the job's prefix.

    `taken` are names that objects there have; new ones are added. With `only_look`, an earlier try
    has to have made the copies. Raises DeliveryError; then the copies that were made are referred
    to by nothing.
    """
    suffix = ".delta" if file.delta else ""
    itself = StoredObject(file.key, file.stored_bytes, file.sha256, file.etag)
    key = _free_key(job, file.name + suffix, taken)
    if only_look:
        info = _checked(store, replace(itself, key=key))
    else:
        info = _copy(job, store, itself, key, compression=file.compression, size=file.size)
    copied = msgspec.structs.replace(
        file,
        key=key,
        stored_bytes=info.size,
        stored_at=int(time.time()),
        etag=info.etag,
        verified="etag" if file.etag and info.etag == file.etag else "size",
    )
    if file.delta is None:
        _keep_hashes(job, file.key, key, sha256=file.sha256, size=file.size)
        return copied
    base = file.delta
    key = _free_key(job, file.name, taken)
    full = base_object(base)
    if only_look:
        info = _checked(store, replace(full, key=key))
    else:
        info = _copy(job, store, full, key, compression=base.base_compression, size=base.base_size)
    _keep_hashes(job, base.base_key, key, sha256=base.base_sha256, size=base.base_size)
    moved = msgspec.structs.replace(
        base,
        base_key=key,
        base_stored_at=int(time.time()),
        base_stored_size=info.size,
        base_etag=info.etag,
    )
    return msgspec.structs.replace(copied, delta=moved)


def _free_key(job: UploadJob, name: str, taken: set[str]) -> str:
    """A key for `name` that no other object of this upload has."""
    bare, number = manifest.object_name(name), 2
    while bare in taken:
        bare, number = manifest.object_name(f"{name}.{number}"), number + 1
    taken.add(bare)
    return job.key(bare)


def _copy(
    job: UploadJob,
    store: ObjectStore,
    stored: StoredObject,
    to: str,
    *,
    compression: str,
    size: int,
) -> Info:
    """Copy on the server, else by download and upload; what the store has then, looked at."""
    copy = replace(stored, key=to)
    try:
        store.copy(stored.key, to)
        return _checked(store, copy)
    except DeadlinePassedError:
        raise
    except DeliveryError as error:
        logger.info("The store cannot copy %s (%s); it is sent again", stored.key, error.message)
    source = store.stat(stored.key)
    if source is None or not stored.is_what(source):
        raise _not_what(stored.key)
    job.context.progress.file(to.rsplit("/", 1)[1], source.size)
    content = Content(
        chunks=lambda: _pieces(store, stored.key),
        size=source.size,
        sha256=stored.sha256,
        codec=f"copy of {stored.key}",
        encoding="gzip" if compression == "gzip" else "",
        metadata={"sha256": stored.sha256, "size": str(size)},
    )
    sent = store.put(to, content, job.journal)
    # Sent anew, it may have been cut into other parts, which changes what some stores call its digest.
    return _checked(store, replace(copy, size=source.size, etag=sent.etag))


def _pieces(store: ObjectStore, key: str) -> Iterator[bytes]:
    with store.open(key) as reader:
        while piece := reader.read(PIECE_BYTES):
            yield piece


def _checked(store: ObjectStore, copy: StoredObject) -> Info:
    info = store.stat(copy.key)
    if info is None or not copy.is_what(info):
        raise _not_what(copy.key)
    return info


def _not_what(key: str) -> DeliveryError:
    return DeliveryError(
        f"{key} is not what was to be copied.", kind=Kind.DAMAGED, code="not-the-same"
    )


def _keep_hashes(job: UploadJob, before: str, now: str, *, sha256: str, size: int) -> None:
    """Block hashes of a full upload go with its copy: the next delta is computed against that."""
    paths = job.context.paths
    hashes = block_hashes.load(paths, before, sha256=sha256, size=size)
    if hashes is not None:
        block_hashes.save(paths, now, sha256=sha256, size=size, hashes=hashes)
