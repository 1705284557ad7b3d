"""The end of an upload: the manifest, which makes it exist, and a last look at what it refers to."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from typing import TYPE_CHECKING

from akosha_hook.errors import DamagedError, DeliveryError, Kind
from akosha_hook.format import manifest
from akosha_hook.format.parse import parse
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry, store_name
from akosha_hook.stores.base import Content
from akosha_hook.upload.job import keys_below
from akosha_hook.upload.stored import lost
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def publish(job: UploadJob, store: ObjectStore, files: Sequence[ReceiptFile]) -> str:
    """Store the manifest, and make sure that all that it refers to is there with it; its SHA-256.

    Its bytes are in the journal before they are sent, so that a repetition after a crash sends the
    same, and their hash is in the ledger. Raises DeliveryError: of kind LOST where an object went
    meanwhile, its own or an earlier upload's; the manifest is taken back then.
    """
    document = _document(job, store, files)
    job.journal.manifest = document.decode()
    job.journal.save()
    enter(job, document)
    content = Content(lambda: iter([document]), len(document), media_type="application/json")
    store.put(job.key(manifest.NAME), content, only_new=True)
    if gone := lost(store, files) or _source_is_gone(job, store, files):
        withdraw(job, store)
        raise _lost(gone[0])
    return hashlib.sha256(document).hexdigest()


def _source_is_gone(
    job: UploadJob, store: ObjectStore, files: Sequence[ReceiptFile]
) -> tuple[str, ...]:
    """The manifest that told what can be referred to, if it was deleted.

    Whoever prunes deletes manifests, lists those that are left, and then deletes objects that none
    of them needs. So either this upload's is among those listed, or the other is gone by now.
    """
    refers = any(not key.startswith(job.key("")) for each in files for key in each.keys)
    if not job.source or not refers:
        return ()
    key = manifest.prefix(job.identity.system_id, job.source) + manifest.NAME
    try:
        return () if store.stat(key) is not None else (key,)
    except DeliveryError as error:
        if error.kind is not Kind.DENIED:
            raise
        return ()


def withdraw(job: UploadJob, store: ObjectStore) -> None:
    """Delete the manifest of an upload that is not claimed to be whole; never raises.

    Where deleting is denied, it stays, and is shown as what it is: an upload that lacks objects.
    """
    try:
        store.delete([job.key(manifest.NAME)])
    except DeliveryError as error:
        logger.warning("The manifest of %s stays: %s", job.upload_id, error.message)


def _document(job: UploadJob, store: ObjectStore, files: Sequence[ReceiptFile]) -> bytes:
    """The manifest to send; the one of an earlier try, if it was for the same files."""
    listed = tuple(each.stored() for each in files)
    before = job.journal.manifest.encode()
    if not before:
        return _manifest(job, files).encode()
    try:
        document = parse(before, system_id=job.identity.system_id, upload_id=job.upload_id)
    except DamagedError:
        return _manifest(job, files).encode()
    if document.metadata.files != listed:
        # It may be in the store already, and nothing there is overwritten.
        withdraw(job, store)
        raise _lost(job.key(manifest.NAME))
    return before


def _lost(key: str) -> DeliveryError:
    return DeliveryError(
        f"{key} is no longer as it was when the upload began; the upload starts over.",
        kind=Kind.LOST,
        code="lost",
    )


def enter(job: UploadJob, document: bytes | None = None) -> None:
    """Enter the upload in the ledger: when it begins, then with its manifest before that is sent."""
    if job.ledger is None or job.target is None:
        return
    if document is None and job.ledger.entry(job.upload_id) is not None:
        return
    entry = Entry(
        upload=job.upload_id,
        system=job.identity.system_id,
        machine=job.identity.machine_id,
        store=store_name(job.target),
        sha256=NO_MANIFEST if document is None else hashlib.sha256(document).hexdigest(),
        size=len(document or b""),
    )
    job.ledger.add(entry)


def _manifest(job: UploadJob, files: Sequence[ReceiptFile]) -> manifest.Manifest:
    counts = [
        each.conversations
        for each in files
        if each.name == each.database and each.kind in {"", "duckdb"}
    ]
    own = [each for each in files if keys_below(job.key(""), [each])]
    compressed = any(each.compression == "gzip" for each in own)
    return manifest.Manifest(
        uploaded_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        conversation_count=sum(each or 0 for each in counts),
        total_size_bytes=sum(each.size for each in files),
        files=tuple(key.rsplit("/", 1)[1] for key in keys_below(job.key(""), files)),
        compressed=compressed,
        compression_format="gzip" if compressed else None,
        metadata=manifest.Details(
            schema=manifest.SCHEMA,
            tool=f"akosha-hook/{__version__}",
            system_id=job.identity.system_id,
            machine_id=job.identity.machine_id,
            upload_id=job.upload_id,
            sequence=job.sequence,
            triggered_by=job.triggered_by,
            conversations_counted=None not in counts,
            files=tuple(each.stored() for each in files),
            skipped=job.skipped,
        ),
    )
