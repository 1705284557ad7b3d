"""The receipts of this machine, read once and then kept up to date in memory.

Whoever changes them holds the sync lock.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.journal import SUFFIX, Journal
from akosha_hook.state.receipt import Receipt
from akosha_hook.util import clock, files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Target

KEPT = 200
# R2 aborts an unfinished upload after 7 days, others earlier or by a lifecycle rule.
FORGOTTEN_SECONDS = 7 * 86_400
logger = logging.getLogger(__name__)


class Receipts:
    """Every receipt there is; nothing is read before it is asked for, and nothing twice."""

    def __init__(self, paths: Paths) -> None:
        self._directory = paths.receipts
        self._read: dict[str, Receipt] | None = None
        self._journals: set[str] = set()

    def path_of(self, upload_id: str) -> Path:
        return self._directory / f"{upload_id}.json"

    def newest_first(self) -> tuple[Receipt, ...]:
        """Every receipt by upload id, newest first; one that cannot be read is set aside."""
        return tuple(self._by_id()[name] for name in sorted(self._by_id(), reverse=True))

    def by_sequence(self) -> Receipt | None:
        """The one with the highest number of this machine: clocks may have gone back."""
        known = [each for each in self.newest_first() if each.machine_id]
        return max(known, key=lambda receipt: receipt.sequence, default=None)

    def last_success(self, target: Target) -> Receipt | None:
        """The newest success for `target`, by sequence; of equal ones, by upload id."""
        successes = [
            each for each in self.newest_first() if each.success and each.destination == target
        ]
        return max(successes, key=lambda receipt: receipt.sequence, default=None)

    def successes(self, target: Target) -> tuple[Receipt, ...]:
        """Every success for `target`, the newest by sequence first."""
        there = [each for each in self.newest_first() if each.success]
        there = [each for each in there if each.destination == target]
        return tuple(sorted(there, key=lambda receipt: receipt.sequence, reverse=True))

    def interrupted(self, target: Target) -> Receipt | None:
        """An upload to `target` that began and never ended."""
        unfinished = (each for each in self.newest_first() if each.state == "uploading")
        return next((each for each in unfinished if each.destination == target), None)

    def abandoned(self, target: Target) -> list[Receipt]:
        """Uploads to the bucket of `target` that ended and left something unfinished there."""
        return [
            each
            for each in self.newest_first()
            if each.state != "uploading"
            and (each.upload_id in self._journals or each.partial)
            and (each.destination.endpoint, each.destination.bucket)
            == (target.endpoint, target.bucket)
        ]

    def journal(self, receipt: Receipt) -> Journal:
        """The journal of an upload, empty where it has none."""
        return Journal.read(self._directory / (receipt.upload_id + SUFFIX), receipt)

    def new_journal(self, upload_id: str, snapshot: str) -> Journal:
        """A journal for an upload that begins; durable once it is saved."""
        journal = Journal(self._directory / (upload_id + SUFFIX))
        journal.snapshot = snapshot
        files.private_directory(self._directory)
        return journal

    def exists(self, upload_id: str) -> bool:
        return upload_id in self._by_id() or self.path_of(upload_id).exists()

    def save(self, receipt: Receipt) -> None:
        """Write a receipt, new or changed."""
        files.private_directory(self._directory)
        files.write_checked_json(self.path_of(receipt.upload_id), receipt)
        self._by_id()[receipt.upload_id] = receipt

    def disown(self, machine_id: str) -> None:
        """Stop tracking what another machine began, whose state directory this is a copy of.

        Nothing of it is aborted: the other machine may be at work on it.
        """
        for receipt in self.newest_first():
            if receipt.machine_id in {"", machine_id}:
                continue
            unfinished = receipt.partial or receipt.upload_id in self._journals
            if receipt.state != "uploading" and not unfinished:
                continue
            reason = "Begun by the machine that this one is a copy of."
            error = reason if receipt.state == "uploading" else receipt.error
            self.save(
                msgspec.structs.replace(
                    receipt, state="failed", error=error, files=(), snapshot="", partial={}
                )
            )
            (self._directory / (receipt.upload_id + SUFFIX)).unlink(missing_ok=True)
            self._journals.discard(receipt.upload_id)

    def fail_unfinished(self, target: Target, *, superseded_by: str | None) -> None:
        """Mark as failed the uploads that nobody will continue.

        Those to `target` once a newer one got there, those to other buckets when the servers have
        forgotten them anyhow, and pushes to Akosha, which start over, always.
        """
        oldest = time.time() - FORGOTTEN_SECONDS
        for receipt in self.newest_first():
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
            self.fail(receipt, reason)

    def fail(self, receipt: Receipt, reason: str) -> None:
        """An unfinished upload is not continued; what it left in the bucket is still aborted."""
        journal = self.journal(receipt)
        if receipt.partial:
            # Of 0.1, which kept no journal: what is to be aborted must always be in one of the two.
            journal.save()
        self.save(
            msgspec.structs.replace(
                receipt,
                state="failed",
                error=reason,
                files=tuple(journal.stored.values()) or receipt.files,
                snapshot="",
                partial={},
                leftovers=receipt.method == "cloud",
            )
        )
        journal.close()
        self._note(receipt.upload_id, journal)

    def leftovers(self, target: Target) -> list[Receipt]:
        """Uploads to `target` that failed and may have left objects, newest first."""
        return [
            each
            for each in self.newest_first()
            if each.state == "failed"
            and each.method == "cloud"
            and each.destination == target
            and (each.leftovers or each.files)
        ]

    def cleared(self, receipt: Receipt) -> None:
        """What a failed upload left is removed, or is left to `prune`."""
        self.save(msgspec.structs.replace(receipt, files=(), leftovers=False))

    def keys_in_use(self) -> set[str]:
        """Keys of the objects that a success refers to, or that an upload under way has stored."""
        files = [file for each in self.newest_first() if each.success for file in each.files]
        for each in self.newest_first():
            if each.state == "uploading":
                files += self.journal(each).stored.values()
        return {key for file in files for key in file.keys}

    def aborted(self, receipt: Receipt, journal: Journal) -> None:
        """Stop tracking what an abandoned upload left: it was aborted, or cannot be."""
        if receipt.partial:
            self.save(msgspec.structs.replace(receipt, partial={}))
        journal.close()
        self._note(receipt.upload_id, journal)

    def closed(self, receipt: Receipt, journal: Journal) -> None:
        """The upload ended: its receipt is stored first, then its journal goes."""
        self.save(receipt)
        journal.close()
        self._note(receipt.upload_id, journal)

    def trim(self, *, keep: int = KEPT) -> None:
        """Delete receipts beyond the newest `keep` that no later upload refers to."""
        receipts = self.newest_first()
        needed = _referenced(receipts)
        for receipt in receipts[keep:]:
            unfinished = receipt.partial or receipt.upload_id in self._journals
            if receipt.state != "uploading" and not unfinished and receipt.upload_id not in needed:
                self.path_of(receipt.upload_id).unlink(missing_ok=True)
                self._by_id().pop(receipt.upload_id)
        self._remove_orphans(needed)

    def _remove_orphans(self, needed: set[str]) -> None:
        """Block hashes that no delta will need, and journals whose receipt was never written."""
        running = {each.upload_id for each in self._by_id().values() if each.state == "uploading"}
        for path in self._directory.glob("*.blocks"):
            if not any(path.name.startswith(f"{name}.") for name in needed | running):
                path.unlink(missing_ok=True)
        for name in self._journals - self._by_id().keys():
            if not self.path_of(name).exists():  # it may only have been unreadable this time
                (self._directory / (name + SUFFIX)).unlink(missing_ok=True)

    def _note(self, upload_id: str, journal: Journal) -> None:
        if journal.partial:
            self._journals.add(upload_id)
        else:
            self._journals.discard(upload_id)

    def _by_id(self) -> dict[str, Receipt]:
        if self._read is None:
            self._read = self._read_all()
        return self._read

    def _read_all(self) -> dict[str, Receipt]:
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - names are all that is needed
        except OSError:
            return {}
        self._journals = {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)}
        receipts: dict[str, Receipt] = {}
        for name in names:
            if not name.endswith(".json"):
                continue
            path = self._directory / name
            receipt = files.read_json(path, Receipt)
            if receipt is not None:
                # A copy of a receipt under another name does not count beside it.
                if name == f"{receipt.upload_id}.json" or receipt.upload_id not in receipts:
                    receipts[receipt.upload_id] = receipt
            elif not path.exists():
                logger.warning("Receipt %s cannot be read; set aside as .corrupt", name)
        return receipts


def _referenced(receipts: Iterable[Receipt]) -> set[str]:
    """Ids of each destination's last successful upload, and of the uploads whose objects it needs."""
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
