"""A consistent, frozen copy of the live databases."""

from __future__ import annotations

from akosha_hook.snapshot.duckdb import is_known, size_of
from akosha_hook.snapshot.finding import find_databases
from akosha_hook.snapshot.index import merged, reopen
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, Snapshot, SnapshotFile
from akosha_hook.snapshot.take import SPARE_BYTES, take

__all__ = [
    "SPARE_BYTES",
    "Database",
    "Fingerprint",
    "Skipped",
    "Snapshot",
    "SnapshotFile",
    "find_databases",
    "is_known",
    "merged",
    "reopen",
    "size_of",
    "take",
]
