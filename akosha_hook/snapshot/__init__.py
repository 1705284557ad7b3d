"""A consistent, frozen copy of the live databases."""

from __future__ import annotations

from akosha_hook.snapshot.archive import live_sets
from akosha_hook.snapshot.database import LiveDatabase
from akosha_hook.snapshot.finding import Found, find, find_databases
from akosha_hook.snapshot.index import merged, reopen
from akosha_hook.snapshot.item import Item, is_known, size_of
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, Snapshot, SnapshotFile
from akosha_hook.snapshot.take import SPARE_BYTES, take

__all__ = [
    "SPARE_BYTES",
    "Database",
    "Fingerprint",
    "Found",
    "Item",
    "LiveDatabase",
    "Skipped",
    "Snapshot",
    "SnapshotFile",
    "find",
    "find_databases",
    "is_known",
    "live_sets",
    "merged",
    "reopen",
    "size_of",
    "take",
]
