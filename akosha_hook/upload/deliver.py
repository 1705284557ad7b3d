"""Delivering a snapshot to the bucket: references, objects, and the manifest last."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import DeliveryError
from akosha_hook.format import manifest
from akosha_hook.state import receipt
from akosha_hook.state.receipt import same_content
from akosha_hook.stores.base import Delivery
from akosha_hook.stores.providers import provider_for
from akosha_hook.stores.s3.connect import object_headers, open_bucket
from akosha_hook.stores.s3.multipart import abort, store
from akosha_hook.upload.plan import Item, note, object_plan, possible_delta, referred
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from akosha_hook.snapshot.take import Database, SnapshotFile
    from akosha_hook.state.receipt import Receipt, ReceiptFile
    from akosha_hook.stores.base import Consignment, Surroundings
    from akosha_hook.stores.s3.bucket import Bucket

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The cloud destination of one sync; `sent` counts every body byte that left."""

    surroundings: Surroundings
    bucket: Bucket
    sent: list[int]

    @classmethod
    def open(cls, surroundings: Surroundings) -> Cloud:
        """Raises SettingsError and CredentialsError before anything is dialled."""
        sent: list[int] = []

        def count(size: int) -> None:
            sent.append(size)
            surroundings.progress.advance("", 0, size)

        bucket = open_bucket(
            surroundings.settings,
            surroundings.paths,
            surroundings.environ,
            surroundings.retry,
            sent=count,
        )
        return cls(surroundings, bucket, sent)

    def free_upload_id(
        self, candidate: str, *, system_id: str, machine_id: str, used: Callable[[str], bool]
    ) -> str:
        """`candidate`, or with a suffix where another machine of that name uses it.

        `used` tells which ids this machine knows it has used itself: with a listing denied, as by a
        policy that lacks it, nothing else does.
        """
        names = (each for each in _names(candidate, machine_id) if not used(each))
        for name in names:
            try:
                if next(self.bucket.objects(manifest.prefix(system_id, name)), None) is None:
                    return name
            except DeliveryError as error:
                if error.code not in {"AccessDenied", "HTTP403"}:
                    raise
                return name if name != candidate else next(names)
        raise AssertionError("there is always another name")

    def lost(self, known: Iterable[ReceiptFile]) -> set[str]:
        """Databases whose stored files cannot be referred to: gone, too old, or not to be told."""
        settings = self.surroundings.settings
        lost: set[str] = set()
        for each in known:
            if each.database in lost:
                continue
            young = receipt.may_be_leaned_on(each.leaned_on_since, settings)
            if not young or not all(map(self._there, _leaned_on(each))):
                lost.add(each.database)
        return lost

    def _there(self, needed: tuple[str, int | None]) -> bool:
        key, size = needed
        try:
            head = self.bucket.head(key)
        except DeliveryError as error:
            if error.retryable:
                raise
            return False
        return head is not None and (size is None or head.size == size)

    def abort(self, abandoned: Iterable[Receipt]) -> tuple[str, ...]:
        """Abort what these uploads left unfinished; a denied abort is a note."""
        notes: list[str] = []
        for paper in abandoned:
            for key, begun in list(paper.partial.items()):
                if note := abort(self.bucket, begun):
                    notes.append(note)
                del paper.partial[key]
            receipt.save(self.surroundings.paths, paper)
        return tuple(notes)

    def deliver(self, consignment: Consignment) -> Delivery:
        """Upload what changed, refer to what did not, then write the manifest."""
        settings = self.surroundings.settings
        delivered = self._unchanged(consignment)
        kept = {each.database for each in delivered}
        for database in consignment.snapshot.databases:
            if database.name not in kept:
                delivered += [self._upload(consignment, each, database) for each in database.files]
        counts = {
            each.name: consignment.conversations(each) for each in consignment.snapshot.databases
        }
        delivered = [
            msgspec.structs.replace(each, conversations=counts[each.name])
            if each.status == "uploaded" and each.name in counts
            else each
            for each in delivered
        ]
        document = _manifest(consignment, delivered)
        self.surroundings.progress.phase("manifest")
        here = manifest.prefix(consignment.system_id, consignment.upload_id)
        self.bucket.put(
            here + manifest.NAME,
            document.encode(),
            {"Content-Type": "application/json", **object_headers(settings)},
        )
        return Delivery(
            files_uploaded=tuple(each.key for each in delivered if each.status == "uploaded"),
            files=tuple(delivered),
            bytes_transferred=sum(self.sent),
        )

    def _unchanged(self, consignment: Consignment) -> list[ReceiptFile]:
        """References to what an earlier upload holds: same stat, or same content."""
        known = consignment.known
        same = set(consignment.snapshot.unchanged)
        fresh: dict[str, SnapshotFile] = {}
        if self.surroundings.settings.akosha_enable_deduplication:
            for database in consignment.snapshot.databases:
                if same_content(database, known):
                    same.add(database.name)
                    fresh |= {each.name: each for each in database.files}
        found = [each for each in known.values() if each.database in same]
        gone = self.lost(each for each in found if each.name in fresh)
        return [referred(each, fresh.get(each.name)) for each in found if each.database not in gone]

    def _upload(
        self, consignment: Consignment, file: SnapshotFile, database: Database
    ) -> ReceiptFile:
        journal = self.surroundings.journal
        before = journal.stored.get(file.name)
        # Stored before the interruption, which may have lasted for weeks.
        if before is not None and before.sha256 == file.sha256 and not self.lost([before]):
            return before
        item = self._delta(consignment, file, database) or Item(consignment, database, file)
        plan = object_plan(item, self.surroundings)
        logger.info(
            "Sending %s: %d bytes in parts of %d", item.name, item.plain_bytes, plan.part_size
        )
        started = time.monotonic()
        stored = store(
            self.bucket,
            plan,
            parallel=provider_for(self.surroundings.settings).parallel_uploads,
            journal=journal,
        )
        logger.info(
            "Stored %s: %d bytes as %d in %.1f s (%s)",
            item.key,
            file.size,
            stored.size,
            time.monotonic() - started,
            stored.verified,
        )
        journal.stored[file.name] = note(item, plan, stored, self.surroundings)
        journal.save()
        return journal.stored[file.name]

    def _delta(
        self, consignment: Consignment, file: SnapshotFile, database: Database
    ) -> Item | None:
        """The file as a delta, if its base is still in the bucket."""
        item = possible_delta(consignment, self.surroundings, database, file)
        if item is None or item.lean is None or not self._there(_base(item.lean)):
            return None
        return item


def _names(candidate: str, machine_id: str) -> Iterator[str]:
    unique = f"{candidate}_{machine_id[:6]}"
    yield from (candidate, unique)
    yield from (f"{unique}_{number}" for number in itertools.count(2))


def _leaned_on(file: ReceiptFile) -> list[tuple[str, int | None]]:
    """Keys, with stored size where known, that restoring `file` needs."""
    return [(file.key, file.stored_bytes), *([_base(file.delta)] if file.delta else [])]


def _base(lean: manifest.Delta) -> tuple[str, int | None]:
    return lean.base_key, lean.base_stored_size or None


def _manifest(consignment: Consignment, delivered: list[ReceiptFile]) -> manifest.Manifest:
    counts = [each.conversations for each in delivered if each.name == each.database]
    uploaded = [each for each in delivered if each.status == "uploaded"]
    compressed = any(each.compression == "gzip" for each in uploaded)
    return manifest.Manifest(
        uploaded_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        conversation_count=sum(each or 0 for each in counts),
        total_size_bytes=sum(each.size for each in delivered),
        files=tuple(each.key.rsplit("/", 1)[1] for each in uploaded),
        compressed=compressed,
        compression_format="gzip" if compressed else None,
        metadata=manifest.Details(
            schema=manifest.SCHEMA,
            tool=f"akosha-hook/{__version__}",
            system_id=consignment.system_id,
            machine_id=consignment.machine_id,
            upload_id=consignment.upload_id,
            sequence=consignment.sequence,
            triggered_by=consignment.triggered_by,
            conversations_counted=None not in counts,
            files=tuple(each.stored() for each in delivered),
            skipped={each.name: each.reason for each in consignment.snapshot.skipped},
        ),
    )
