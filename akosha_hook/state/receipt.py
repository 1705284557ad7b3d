"""Receipts: what was delivered where, and what a running upload needs to be resumed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from akosha_hook.format.manifest import KEY_PATTERN, Delta, Key, StoredFile
from akosha_hook.snapshot.take import Fingerprint
from akosha_hook.stores.base import Attempt
from akosha_hook.util import clock, files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings
    from akosha_hook.snapshot.take import Database

SCHEMA = 1
KEPT = 200
# R2 aborts an unfinished upload after 7 days, others earlier or by a lifecycle rule.
FORGOTTEN_SECONDS = 7 * 86_400
DAY_SECONDS = 86_400
logger = logging.getLogger(__name__)

# What becomes part of a path, of a key in the bucket or of arithmetic is held to its form when a
# receipt is read: one that is not as we wrote it is set aside like any other that is corrupt.
Name = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\x00]{1,255}$")]
OptionalName = Annotated[str, Meta(pattern=r"^(?!\.{1,2}$)[^/\x00]{0,255}$")]
OptionalKey = Annotated[str, Meta(pattern=rf"^(?:{KEY_PATTERN})?$")]
Bytes = Annotated[int, Meta(ge=0, le=10**18)]
Seconds = Annotated[float, Meta(ge=0, le=clock.MAX_EPOCH)]
Moment = Annotated[int, Meta(ge=0, le=clock.MAX_EPOCH)]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery went: equal targets share dedup, backoff and history. No credentials."""

    method: Literal["cloud", "http"]
    endpoint: str
    bucket: str = ""
    system_id: str = ""


class ReceiptFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the upload. `stored_at` is when its bytes at `key` were stored (epoch seconds).

    `conversations` is counted in a database's copy; None for sidecars and where it could not be.
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

    @property
    def leaned_on_since(self) -> int:
        """When the oldest object that restoring this file needs was stored (epoch seconds)."""
        return min(self.stored_at, self.delta.base_stored_at) if self.delta else self.stored_at

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
        )


class Part(msgspec.Struct, frozen=True):
    """A stored part: its number from 1, size in bytes, and the server's ETag."""

    number: Annotated[int, Meta(ge=1, le=10_000)]
    size: Bytes
    etag: str
    md5: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class PartialUpload(msgspec.Struct, kw_only=True):
    """A multipart upload that has begun: what it takes to continue it on the same bytes.

    `multipart_id` is empty until the server has told it. `doubtful` says that a request to begin
    was repeated, so that there may be another one at the same key.
    """

    key: Key
    multipart_id: str
    part_size: Annotated[int, Meta(ge=1, le=10**12)]
    codec: str
    sha256: str
    doubtful: bool = False
    parts: dict[int, Part] = {}


class Receipt(msgspec.Struct, kw_only=True):
    """`receipts/<upload_id>.json`; fields are only ever added.

    `files_uploaded` are object keys, `files_unchanged` names of databases. `snapshot` and `partial`
    are there while an upload can still be continued.
    """

    schema: int = SCHEMA
    upload_id: Name
    state: Literal["uploading", "done", "failed"]
    method: Literal["cloud", "http"]
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
    attempts: list[Attempt] = []
    notes: list[str] = []
    error: str | None = None
    error_code: str = ""
    hint: str = ""
    exit_code: int = 0
    details: dict[str, Any] = {}
    snapshot: OptionalName = ""
    partial: dict[str, PartialUpload] = {}

    def __post_init__(self) -> None:
        for moment in (self.started, self.finished):
            if moment is not None:
                clock.epoch(moment)


def may_be_leaned_on(stored_at: int, settings: Settings) -> bool:
    """Whether what was stored then (epoch seconds) is young enough to lean on.

    One ahead of now was stored before the clock was set back: nobody can tell how old it is.
    """
    age = time.time() - stored_at
    return -DAY_SECONDS < age <= settings.akosha_full_interval_days * DAY_SECONDS


def path_of(paths: Paths, upload_id: str) -> Path:
    return paths.receipts / f"{upload_id}.json"


def blocks_path(paths: Paths, key: str) -> Path:
    """Where the block hashes of the full upload at `key` are kept."""
    upload_id, name = key.split("/")[3:5]
    return paths.receipts / f"{upload_id}.{name}.blocks"


def save(paths: Paths, receipt: Receipt) -> None:
    files.private_directory(paths.receipts)
    files.write_json(path_of(paths, receipt.upload_id), receipt)


def newest_first(paths: Paths) -> Iterator[Receipt]:
    """Receipts by file name, newest first; one that cannot be read is set aside and left out."""
    try:
        names = sorted(paths.receipts.glob("*.json"), reverse=True)
    except OSError:
        return
    for name in names:
        receipt = files.read_json(name, Receipt)
        if receipt is not None:
            yield receipt
        elif not name.exists():
            logger.warning("Receipt %s cannot be read; set aside as .corrupt", name.name)


def last_success(paths: Paths, target: Target) -> Receipt | None:
    """The newest success for `target`, by sequence: clocks may have gone back."""
    found = [
        receipt
        for receipt in newest_first(paths)
        if receipt.success and receipt.destination == target
    ]
    return max(found, key=lambda receipt: receipt.sequence, default=None)


def interrupted(paths: Paths, target: Target) -> Receipt | None:
    """An upload to `target` that began and never ended."""
    for receipt in newest_first(paths):
        if receipt.state == "uploading" and receipt.destination == target:
            return receipt
    return None


def give_up_unfinished(paths: Paths, target: Target, *, superseded_by: str | None) -> None:
    """Mark as failed the uploads that nobody will continue; the caller holds the sync lock.

    Those to `target` once a newer one got there, those to other buckets when the servers have
    forgotten them anyhow, and pushes to Akosha, which start over, always.
    """
    oldest = time.time() - FORGOTTEN_SECONDS
    for receipt in list(newest_first(paths)):
        if receipt.state != "uploading":
            continue
        if receipt.method == "http":
            reason = "The push to Akosha was interrupted."
        elif receipt.destination == target and superseded_by:
            reason = f"Superseded by {superseded_by}."
        elif receipt.destination != target and clock.epoch(receipt.started) < oldest:
            reason = "The upload was interrupted, and not continued for a week."
        else:
            continue
        receipt.state = "failed"
        receipt.error = reason
        receipt.snapshot = ""
        save(paths, receipt)


def abandoned(paths: Paths, target: Target) -> list[Receipt]:
    """Uploads to the bucket of `target` that ended and left something unfinished there."""
    return [
        receipt
        for receipt in newest_first(paths)
        if receipt.state != "uploading"
        and receipt.partial
        and (receipt.destination.endpoint, receipt.destination.bucket)
        == (target.endpoint, target.bucket)
    ]


def same_content(database: Database, known: Mapping[str, ReceiptFile]) -> bool:
    """Whether the snapshot of `database` is, file by file, what `known` says is stored."""
    before = {each.name: each.sha256 for each in known.values() if each.database == database.name}
    return before == {each.name: each.sha256 for each in database.files}


def trim(paths: Paths, *, keep: int = KEPT) -> None:
    """Delete receipts beyond the newest `keep` that nothing leans on any more."""
    receipts = list(newest_first(paths))
    needed = _leaned_on(receipts)
    for receipt in receipts[keep:]:
        unfinished = receipt.state == "uploading" or receipt.partial
        if not unfinished and receipt.upload_id not in needed:
            path_of(paths, receipt.upload_id).unlink(missing_ok=True)
    running = {each.upload_id for each in receipts if each.state == "uploading"}
    for kept in paths.receipts.glob("*.blocks"):
        if not any(kept.name.startswith(f"{upload_id}.") for upload_id in needed | running):
            kept.unlink(missing_ok=True)


def _leaned_on(receipts: Iterable[Receipt]) -> set[str]:
    """Uploads that the last success of a destination is, refers to, or has a delta against."""
    latest: dict[Target, Receipt] = {}
    for receipt in receipts:
        best = latest.get(receipt.destination)
        if receipt.success and (best is None or receipt.sequence > best.sequence):
            latest[receipt.destination] = receipt
    needed = {receipt.upload_id for receipt in latest.values()}
    for receipt in latest.values():
        for each in receipt.files:
            keys = [each.key, *([each.delta.base_key] if each.delta else [])]
            needed.update(key.split("/")[3] for key in keys if key.count("/") >= 4)  # noqa: PLR2004
    return needed
