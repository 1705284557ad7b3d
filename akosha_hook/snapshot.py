"""A consistent, frozen copy of the live databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

SIDECARS = (".wal", ".wal.checkpoint", ".wal.recovery")


class Fingerprint(msgspec.Struct, frozen=True):
    """What `stat` says of a file; nanoseconds since the epoch, bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """One frozen file. `name` is its name in the data directory, sidecars included.

    `sha256` is hex, of the plain bytes. `fingerprint` is the live file's, None where it is too
    young to prove anything.
    """

    name: str
    path: Path
    size: int
    sha256: str
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class Database:
    """A database file and the sidecars that belong to the same moment."""

    name: str
    file: SnapshotFile
    sidecars: tuple[SnapshotFile, ...] = ()

    @property
    def files(self) -> tuple[SnapshotFile, ...]:
        return (self.file, *self.sidecars)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A database that is not in the snapshot.

    `reason` is `busy` (the next round tries again), or for good until something changes:
    `missing`, `empty`, `unreadable`, `not-duckdb`.
    """

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The databases frozen under `directory`, and those that could not be."""

    directory: Path
    databases: tuple[Database, ...]
    skipped: tuple[Skipped, ...] = ()
