"""A receipt: what was delivered where. Described for users in docs/json-output.md."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from akosha_hook.format.manifest import KEY_PATTERN, Delta, Key, Stale, StoredFile, StoredKind
from akosha_hook.snapshot import Fingerprint
from akosha_hook.util import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.settings import Settings
    from akosha_hook.snapshot import Database

SCHEMA = 1
DAY_SECONDS = 86_400

# What becomes part of a path, of a key in the bucket or of arithmetic is held to its form when a
# receipt is read: one that is not as we wrote it is set aside like any other that is corrupt.
Name = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\x00]{1,255}$")]
OptionalName = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\x00]{0,255}$")]
OptionalKey = Annotated[str, Meta(pattern=rf"^(?:{KEY_PATTERN})?$")]
Bytes = Annotated[int, Meta(ge=0, le=10**18)]
Seconds = Annotated[float, Meta(ge=0, le=clock.MAX_EPOCH)]
Moment = Annotated[int, Meta(ge=0, le=clock.MAX_EPOCH)]
Method = Literal["cloud", "http"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery went: equal targets share dedup, backoff and history. No credentials."""

    method: Method
    endpoint: str
    bucket: str = ""
    system_id: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try that failed; `at` is ISO 8601 UTC."""

    method: str
    code: str
    message: str
    retryable: bool
    at: str


class ReceiptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the upload. `stored_at` is when its bytes at `key` were stored (epoch seconds).

    `etag` is what the store calls the digest of that object. `conversations` is counted in a
    database's copy; None for sidecars and where it could not be. `stale` is set where the database
    was not in the snapshot: this is its last good copy. `kind` is as in the manifest, `members` how
    many files a set has.
    """

    name: Name
    database: Name
    status: Literal["uploaded", "unchanged"]
    size: Bytes
    sha256: str
    key: OptionalKey = ""
    stored_bytes: Bytes = 0
    compression: Literal["gzip", "identity"] = "identity"
    codec: str = ""
    delta: Delta | None = None
    fingerprint: Fingerprint | None = None
    stored_at: Moment = 0
    verified: str = ""
    conversations: int | None = None
    etag: str = ""
    stale: Stale | None = None
    kind: StoredKind = ""
    members: int | None = None

    @property
    def oldest_object_at(self) -> int:
        """When the oldest object that restoring this file needs was stored (epoch seconds)."""
        return min(self.stored_at, self.delta.base_stored_at) if self.delta else self.stored_at

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the objects that restoring this file needs."""
        return (self.key, self.delta.base_key) if self.delta else (self.key,)

    def stored(self) -> StoredFile:
        """The same file as the manifest names it."""
        return StoredFile(
            name=self.name,
            database=self.database,
            key=self.key,
            size=self.size,
            stored_size=self.stored_bytes,
            sha256=self.sha256,
            compression=self.compression,
            codec=self.codec,
            delta=self.delta,
            stale=self.stale,
            kind=self.kind,
        )


class Collapse(msgspec.Struct, frozen=True, kw_only=True):
    """A database that lost most of what was in it from one upload to a later one.

    `before` and `now` count the `what` in it, `upload_id` is the newest upload that has what it had,
    `since` when the later one was made (ISO 8601 UTC).
    """

    name: Name
    what: str
    before: Bytes
    now: Bytes
    upload_id: Name
    since: str


class Part(msgspec.Struct, frozen=True):
    """A stored part: its number from 1, size in bytes, and the server's ETag."""

    number: Annotated[int, Meta(ge=1, le=10_000)]
    size: Bytes
    etag: str
    md5: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class PartialUpload(msgspec.Struct, kw_only=True):
    """A multipart upload that has begun: what it takes to continue it on the same bytes.

    `multipart_id` is empty until the server has told it. `ambiguous` says that a request to begin
    was repeated, so that the server may hold a second one at the same key.
    """

    key: Key
    multipart_id: str
    part_size: Annotated[int, Meta(ge=1, le=10**12)]
    codec: str
    sha256: str
    # Stored under the name that 0.1 gave it.
    ambiguous: bool = msgspec.field(default=False, name="doubtful")
    parts: dict[int, Part] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`receipts/<upload_id>.json`; fields are only ever added.

    `files_uploaded` are object keys, `files_unchanged` names of databases. `snapshot` and `partial`
    were filled by 0.1 while an upload could still be continued: the journal has them now. An upload
    that failed has in `files` what it had stored; `leftovers` says that objects of it may be in the
    bucket that nothing refers to.
    """

    schema: int = SCHEMA
    upload_id: Name
    state: Literal["uploading", "done", "failed"]
    method: Method
    success: bool
    system_id: str
    machine_id: str = ""
    sequence: Bytes = 0
    triggered_by: tuple[str, ...] = ()
    started: str
    finished: str | None = None
    duration_seconds: Seconds = 0.0
    destination: Target
    files: tuple[ReceiptFile, ...] = ()
    files_uploaded: tuple[str, ...] = ()
    files_unchanged: tuple[str, ...] = ()
    skipped: dict[str, str] = {}
    bytes_transferred: Bytes = 0
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = ()
    error: str | None = None
    error_code: str = ""
    hint: str = ""
    exit_code: int = 0
    details: dict[str, Any] = {}
    snapshot: OptionalName = ""
    partial: dict[str, PartialUpload] = {}
    leftovers: bool = False
    lost: dict[Name, str] = {}
    collapsed: tuple[Collapse, ...] = ()
    manifest_sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""

    def __post_init__(self) -> None:
        for moment in (self.started, self.finished):
            if moment is not None:
                clock.epoch(moment)


def is_reusable(stored_at: int, settings: Settings, now: float | None = None) -> bool:
    """Whether what was stored then is young enough, `now`, to be referred to (epoch seconds).

    One ahead of now was stored before the clock was set back: nobody can tell how old it is.
    """
    age = (time.time() if now is None else now) - stored_at
    return -DAY_SECONDS < age <= settings.akosha_full_interval_days * DAY_SECONDS


def same_content(database: Database, known: Mapping[str, ReceiptFile]) -> bool:
    """Whether the snapshot of `database` is, file by file, what `known` says is stored."""
    before = {each.name: each.sha256 for each in known.values() if each.database == database.name}
    return before == {each.name: each.sha256 for each in database.files}
