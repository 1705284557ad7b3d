"""How a file of the snapshot becomes an object: whole, or as what changed since a full upload."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from akosha_hook.format import delta, manifest, pack
from akosha_hook.state import block_hashes
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.base import Content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from akosha_hook.snapshot import Database, SnapshotFile
    from akosha_hook.stores.base import Stored
    from akosha_hook.upload.job import UploadJob

# A smaller file is a request or two, whole or not.
SMALLEST_FOR_DELTA = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """A file as it will be stored; `base` is the full upload its delta is against, if it is one."""

    job: UploadJob
    database: Database
    file: SnapshotFile
    changes: delta.Plan | None = None
    base: manifest.Delta | None = None

    @property
    def name(self) -> str:
        """The object's bare name."""
        return manifest.object_name(self.file.name + (".delta" if self.base else ""))

    @property
    def key(self) -> str:
        return self.job.key(self.name)

    @property
    def plain_bytes(self) -> int:
        return self.changes.size if self.changes else self.file.size


def possible_delta(job: UploadJob, database: Database, file: SnapshotFile) -> PlannedObject | None:
    """The file as a delta, where that is allowed, possible and worth it; asks no server."""
    before = job.known.get(file.name)
    if before is None or not job.settings.akosha_enable_delta or file.size < SMALLEST_FOR_DELTA:
        return None
    base = before.delta or _as_base(before)
    hashes = block_hashes.load(
        job.context.paths, base.base_key, sha256=base.base_sha256, size=base.base_size
    )
    if hashes is None:
        return None
    changes = delta.plan(
        file.path,
        size=file.size,
        sha256=file.sha256,
        hashes=file.blocks,
        base=(base.base_sha256, base.base_size, hashes),
    )
    return PlannedObject(job, database, file, changes, base) if changes else None


def _as_base(file: ReceiptFile) -> manifest.Delta:
    return manifest.Delta(
        base_key=file.key,
        base_sha256=file.sha256,
        base_size=file.size,
        base_compression=file.compression,
        base_stored_at=file.stored_at,
        base_stored_size=file.stored_bytes,
        base_etag=file.etag,
    )


def content_of(planned: PlannedObject) -> Content:
    """What is to be stored, repeatable byte for byte."""
    job, file = planned.job, planned.file
    compress = job.settings.akosha_enable_compression
    job.context.progress.file(file.name, planned.plain_bytes)
    on_read = partial(_report, job, file.name)

    def chunks() -> Iterator[bytes]:
        plain: Iterable[bytes]
        plain = planned.changes.read() if planned.changes else pack.read_blocks(file.path)
        return pack.packed(plain, compress=compress, on_read=on_read)

    codec = pack.codec(compress=compress)
    if planned.base:
        codec += f" delta {planned.base.base_sha256[:16]}"
    return Content(
        chunks=chunks,
        size=planned.plain_bytes,
        sha256=file.sha256,
        codec=codec,
        encoding="gzip" if compress else "",
        metadata={"sha256": file.sha256, "size": str(file.size)},
    )


def _report(job: UploadJob, name: str, plain_bytes: int) -> None:
    job.context.progress.advance(name, plain_bytes, 0)


def stored_file(planned: PlannedObject, content: Content, stored: Stored) -> ReceiptFile:
    """The stored object as the receipt keeps it; of a whole file, its block hashes are kept too."""
    job, file = planned.job, planned.file
    compression: Literal["gzip", "identity"] = "gzip" if content.encoding else "identity"
    if planned.base is None:
        keep_hashes(job, planned.key, file)
    return ReceiptFile(
        name=file.name,
        database=planned.database.name,
        status="uploaded",
        size=file.size,
        sha256=file.sha256,
        key=planned.key,
        stored_bytes=stored.size,
        compression=compression,
        codec=content.codec,
        delta=planned.base,
        fingerprint=file.fingerprint,
        stored_at=int(time.time()),
        verified=stored.verified,
        etag=stored.etag,
        kind=planned.database.kind,
        members=planned.database.members,
    )


def keep_hashes(job: UploadJob, key: str, file: SnapshotFile) -> None:
    """Keep the block hashes of a full upload: later deltas are computed against them."""
    if job.settings.akosha_enable_delta:
        block_hashes.save(
            job.context.paths, key, sha256=file.sha256, size=file.size, hashes=file.blocks
        )


def reference(file: ReceiptFile, fresh: SnapshotFile | None) -> ReceiptFile:
    """A file that an earlier upload holds; `fresh` is its copy where its stat had changed."""
    fingerprint = fresh.fingerprint if fresh else file.fingerprint
    return msgspec.structs.replace(file, status="unchanged", fingerprint=fingerprint, stale=None)
