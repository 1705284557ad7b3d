"""How a file of the snapshot becomes an object: whole, or as what changed since a full upload."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from akosha_hook.format import blocks, delta, manifest, pack
from akosha_hook.settings.derived import part_size
from akosha_hook.state import receipt
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.s3.connect import object_headers
from akosha_hook.stores.s3.multipart import ObjectPlan, part_size_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from akosha_hook.snapshot.take import Database, SnapshotFile
    from akosha_hook.stores.base import Consignment, Surroundings
    from akosha_hook.stores.s3.multipart import Stored

# A smaller file is a request or two, whole or not.
SMALLEST_FOR_DELTA = 1024 * 1024
# Without no-transform, Google's storage unpacks such objects for whoever reads them.
_COMPRESSED = {"Content-Encoding": "gzip", "Cache-Control": "no-transform"}


@dataclass(frozen=True, slots=True)
class Item:
    """A file on its way; `lean` is the full upload its delta is against, None for a whole file."""

    consignment: Consignment
    database: Database
    file: SnapshotFile
    changes: delta.Plan | None = None
    lean: manifest.Delta | None = None

    @property
    def name(self) -> str:
        """The object's bare name."""
        return manifest.object_name(self.file.name + (".delta" if self.lean else ""))

    @property
    def key(self) -> str:
        prefix = manifest.prefix(self.consignment.system_id, self.consignment.upload_id)
        return prefix + self.name

    @property
    def plain_bytes(self) -> int:
        return self.changes.size if self.changes else self.file.size


def possible_delta(
    consignment: Consignment, surroundings: Surroundings, database: Database, file: SnapshotFile
) -> Item | None:
    """The file as a delta, where that is allowed, possible and worth it; asks no server."""
    before = consignment.known.get(file.name)
    if (
        before is None
        or not surroundings.settings.akosha_enable_delta
        or file.size < SMALLEST_FOR_DELTA
    ):
        return None
    lean = before.delta or _full(before)
    kept = blocks.load(
        receipt.blocks_path(surroundings.paths, lean.base_key), lean.base_sha256, lean.base_size
    )
    if kept is None:
        return None
    changes = delta.plan(
        file.path,
        size=file.size,
        sha256=file.sha256,
        hashes=file.blocks,
        base=(lean.base_sha256, lean.base_size, kept),
    )
    return Item(consignment, database, file, changes, lean) if changes else None


def _full(file: ReceiptFile) -> manifest.Delta:
    return manifest.Delta(
        base_key=file.key,
        base_sha256=file.sha256,
        base_size=file.size,
        base_compression=file.compression,
        base_stored_at=file.stored_at,
        base_stored_size=file.stored_bytes,
    )


def object_plan(item: Item, surroundings: Surroundings) -> ObjectPlan:
    """What is to be stored for the item, repeatable byte for byte."""
    settings, progress, file = surroundings.settings, surroundings.progress, item.file
    compress = settings.akosha_enable_compression
    size = part_size_for(item.plain_bytes, part_size(settings))
    headers = {
        "Content-Type": "application/octet-stream",
        "x-amz-meta-sha256": file.sha256,
        "x-amz-meta-size": str(file.size),
        **(_COMPRESSED if compress else {}),
        **object_headers(settings),
    }
    progress.file(file.name, item.plain_bytes)
    read = partial(_report, surroundings, file.name)

    def make_parts() -> Iterator[bytes]:
        plain: Iterable[bytes]
        plain = item.changes.read() if item.changes else pack.read_blocks(file.path)
        return pack.parts(pack.packed(plain, compress=compress, on_read=read), size)

    codec = pack.codec(compress=compress)
    if item.lean:
        codec += f" delta {item.lean.base_sha256[:16]}"
    return ObjectPlan(item.key, headers, codec, file.sha256, size, make_parts)


def _report(surroundings: Surroundings, name: str, plain_bytes: int) -> None:
    surroundings.progress.advance(name, plain_bytes, 0)


def note(item: Item, plan: ObjectPlan, stored: Stored, surroundings: Surroundings) -> ReceiptFile:
    """The stored item as the receipt keeps it; of a whole file, its block hashes beside it."""
    file = item.file
    compression: Literal["gzip", "identity"] = (
        "gzip" if surroundings.settings.akosha_enable_compression else "identity"
    )
    if item.lean is None and surroundings.settings.akosha_enable_delta:
        blocks.save(
            receipt.blocks_path(surroundings.paths, item.key), file.sha256, file.size, file.blocks
        )
    return ReceiptFile(
        name=file.name,
        database=item.database.name,
        status="uploaded",
        size=file.size,
        sha256=file.sha256,
        key=item.key,
        stored_bytes=stored.size,
        compression=compression,
        codec=plan.codec,
        delta=item.lean,
        fingerprint=file.fingerprint,
        stored_at=int(time.time()),
        verified=stored.verified,
    )


def referred(file: ReceiptFile, fresh: SnapshotFile | None) -> ReceiptFile:
    """A file an earlier upload holds; `fresh` is its copy where its stat had changed."""
    fingerprint = fresh.fingerprint if fresh else file.fingerprint
    return msgspec.structs.replace(file, status="unchanged", fingerprint=fingerprint)
