"""The document that makes an upload exist: written last, read first.

The outer fields satisfy Akosha's `SystemMemoryUploadManifest`; what a restore needs stands under
`metadata`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from akosha_hook.util.clock import MAX_EPOCH

NAME = "manifest.json"
SCHEMA = 1
MAX_BYTES = 4 * 1024 * 1024
# Akosha: SystemMemoryUploadManifest.files and StorageId.
BARE_NAME = r"^[A-Za-z0-9_.-]{1,255}$"
# A database and its sidecars are one moment and are restored together. SQLite's `-shm` is only an
# index into its `-wal`, which SQLite makes anew.
SIDECARS_OF: dict[str, tuple[str, ...]] = {
    "duckdb": (".wal", ".wal.checkpoint", ".wal.recovery"),
    "sqlite": ("-wal", "-journal"),
    "files": (),
}
SIDECARS = tuple(end for ends in SIDECARS_OF.values() for end in ends)
_FOREIGN = re.compile(r"[^A-Za-z0-9_.-]")

BareName = Annotated[str, Meta(pattern=BARE_NAME)]
# What a file belongs to; "" is what 0.1.0 wrote, which stored DuckDB databases only.
StoredKind = Literal["", "duckdb", "sqlite", "files"]
FileName = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,255}$")]
Size = Annotated[int, Meta(ge=0, le=100_000_000_000)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
KEY_PATTERN = r"systems/[A-Za-z0-9_-]{1,100}/uploads/[A-Za-z0-9_.-]{1,255}/[^/]{1,512}"
Key = Annotated[str, Meta(pattern=rf"^{KEY_PATTERN}$")]
Epoch = Annotated[int, Meta(ge=0, le=MAX_EPOCH)]


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a delta object: the full upload it was computed against.

    `base_stored_at` is when that was stored, in epoch seconds; `base_stored_size` the bytes of that
    object and `base_etag` what the store called its digest, 0 and "" where they were not noted.
    """

    base_key: Key
    base_sha256: Sha256
    base_size: Size
    base_compression: Literal["gzip", "identity"] = "gzip"
    base_stored_at: Epoch = 0
    base_stored_size: Size = 0
    base_etag: str = ""


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """Why a database is not in the snapshot, so that the manifest refers to its last good copy.

    `reason` is a word as in `skipped`; `since` is when it was first left out, `as_of` of when the
    copy is (both ISO 8601 UTC).
    """

    reason: str
    since: str
    as_of: str


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the snapshot and where its bytes are.

    `size` and `sha256` are of the plain bytes, `stored_size` of the object at `key`. A `key` of an
    earlier upload means: unchanged since then, or `stale`. `database` is the database a sidecar
    belongs to. `kind` is that of the database, or "files" for a set of files.
    """

    name: FileName
    database: FileName
    key: Key
    size: Size
    stored_size: Size
    sha256: Sha256
    compression: Literal["gzip", "identity"]
    codec: str = ""
    delta: Delta | None = None
    stale: Stale | None = None
    kind: StoredKind = ""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Our part of the manifest; readers ignore what they do not know."""

    schema: int
    tool: str
    system_id: str
    machine_id: str
    upload_id: str
    sequence: Annotated[int, Meta(ge=-(10**18), le=10**18)]
    triggered_by: tuple[str, ...] = ()
    conversations_counted: bool = True
    files: tuple[StoredFile, ...] = ()
    skipped: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """`manifest.json`; `files` are the bare names of the objects this upload itself holds."""

    uploaded_at: str
    conversation_count: Annotated[int, Meta(ge=0, le=10**18)]
    total_size_bytes: Annotated[int, Meta(ge=0, le=10**18)]
    files: tuple[BareName, ...]
    metadata: Details
    version: str = "1.0"
    system_type: str = "session-buddy"
    compressed: bool = False
    compression_format: Literal["gzip"] | None = None

    def encode(self) -> bytes:
        """Indented JSON; `compression_format` only beside `compressed`, as Akosha wants it."""
        document = msgspec.to_builtins(self)
        if not self.compressed:
            del document["compression_format"]
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def sidecars_of(kind: str) -> tuple[str, ...]:
    """Endings of the files that belong to a database of that kind; "" is DuckDB, as in 0.1.0."""
    return SIDECARS_OF[kind or "duckdb"]


def prefix(system_id: str, upload_id: str) -> str:
    """Where an upload's objects are; ends with a slash."""
    return f"systems/{system_id}/uploads/{upload_id}/"


def object_name(name: str) -> str:
    """`name` as Akosha accepts it for an object; distinct names stay distinct."""
    if not _FOREIGN.search(name) and ".." not in name and len(name) <= 255:  # noqa: PLR2004
        return name
    import hashlib

    stem = _FOREIGN.sub("_", name).replace("..", "__")[:200]
    return f"{hashlib.sha256(name.encode()).hexdigest()[:12]}-{stem}"
