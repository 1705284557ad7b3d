"""Uploading a snapshot: references, objects, and the manifest last."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.receipt import same_content
from akosha_hook.upload.carry import carry
from akosha_hook.upload.job import Uploaded
from akosha_hook.upload.plan import (
    PlannedObject,
    content_of,
    keep_hashes,
    possible_delta,
    reference,
    stored_file,
)
from akosha_hook.upload.publish import enter, publish
from akosha_hook.upload.stored import base_object, is_there, not_reusable

if TYPE_CHECKING:
    from akosha_hook.snapshot import Database, SnapshotFile
    from akosha_hook.state.receipt import ReceiptFile
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.upload.job import UploadJob

logger = logging.getLogger(__name__)


def deliver(job: UploadJob, store: ObjectStore) -> Uploaded:
    """Upload what changed, refer to what did not, then write the manifest.

    Raises DeliveryError; what was stored until then is in the job's journal. One of kind LOST says
    that it has to start over, under another id.
    """
    enter(job)
    files = _unchanged(job, store)
    kept = {each.database for each in files}
    for database in job.snapshot.databases:
        if database.name not in kept:
            files += [_upload(job, store, database, each) for each in database.files]
    counts = {
        each.name: job.conversations(each)
        for each in job.snapshot.databases
        if each.kind == "duckdb"
    }
    files = [
        msgspec.structs.replace(each, conversations=counts[each.name])
        if each.name in counts and (each.status == "uploaded" or each.conversations is None)
        else each
        for each in files
    ]
    # Last, so that it cannot keep what is new from being stored.
    carried = carry(job, store, files)
    files += carried.files
    job.context.progress.phase("manifest")
    digest = publish(job, store, files)
    return Uploaded(tuple(files), job.key(""), carried.notes, carried.lost, digest)


def _unchanged(job: UploadJob, store: ObjectStore) -> list[ReceiptFile]:
    """References to what an earlier upload holds: same stat, or same content."""
    same = set(job.snapshot.unchanged)
    fresh: dict[str, SnapshotFile] = {}
    if job.settings.akosha_enable_deduplication:
        for database in job.snapshot.databases:
            if same_content(database, job.known):
                same.add(database.name)
                fresh |= {each.name: each for each in database.files}
    files = [each for each in job.known.values() if each.database in same]
    gone = not_reusable(store, (each for each in files if each.name in fresh), job.settings)
    return [reference(each, fresh.get(each.name)) for each in files if each.database not in gone]


def _upload(
    job: UploadJob, store: ObjectStore, database: Database, file: SnapshotFile
) -> ReceiptFile:
    before = job.journal.stored.get(file.name)
    # Stored before the interruption, which may have lasted for weeks.
    if (
        before is not None
        and before.sha256 == file.sha256
        and not not_reusable(store, [before], job.settings)
    ):
        if before.delta is None and not before.key.startswith(job.key("")):
            keep_hashes(job, before.key, file)
        return msgspec.structs.replace(before, fingerprint=file.fingerprint)
    planned = _delta(job, store, database, file) or PlannedObject(job, database, file)
    content = content_of(planned)
    logger.info("Sending %s: %d bytes", planned.name, planned.plain_bytes)
    started = time.monotonic()
    stored = store.put(planned.key, content, job.journal)
    logger.info(
        "Stored %s: %d bytes as %d in %.1f s (%s)",
        planned.key,
        file.size,
        stored.size,
        time.monotonic() - started,
        stored.verified,
    )
    job.journal.stored[file.name] = stored_file(planned, content, stored)
    job.journal.save()
    return job.journal.stored[file.name]


def _delta(
    job: UploadJob, store: ObjectStore, database: Database, file: SnapshotFile
) -> PlannedObject | None:
    """The file as a delta, if its base is still in the store."""
    planned = possible_delta(job, database, file)
    if planned is None or planned.base is None or not is_there(store, base_object(planned.base)):
        return None
    return planned
