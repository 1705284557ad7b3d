"""What a snapshot is: frozen copies of databases, and of which moment they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.format.manifest import StoredKind

if TYPE_CHECKING:
    import os

# A timestamp proves a file unchanged only when it is clearly older than the look at it.
MARGIN_NS = 50_000_000
COARSE_MARGIN_NS = 2_000_000_000


class Fingerprint(msgspec.Struct, frozen=True):
    """What `stat` says of a file; nanoseconds since the epoch, bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Fingerprint:
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    @property
    def newest_ns(self) -> int:
        """The later of the two timestamps."""
        return max(self.mtime_ns, self.ctime_ns)

    @property
    def settles_ns(self) -> int:
        """The last moment at which it proves nothing yet."""
        coarse = self.mtime_ns % 1_000_000_000 == 0 and self.ctime_ns % 1_000_000_000 == 0
        return self.newest_ns + (COARSE_MARGIN_NS if coarse else MARGIN_NS)

    def settled(self, now_ns: int) -> bool:
        """Whether an equal fingerprint later would prove that the file did not change."""
        return self.settles_ns < now_ns

    def ahead(self, now_ns: int) -> bool:
        """Whether it lies further ahead of the clock than a short wait makes up for."""
        return self.newest_ns > now_ns + COARSE_MARGIN_NS


@dataclass(frozen=True, slots=True)
class Member:
    """A live file of a database. `name` is under which it is stored, whatever a link leads to."""

    name: str
    path: Path
    fingerprint: Fingerprint

    @classmethod
    def of(cls, path: Path, name: str = "") -> Member:
        """Raises OSError where it cannot be looked at."""
        return cls(name or path.name, path, Fingerprint.of(path.stat()))


class SnapshotFile(msgspec.Struct, frozen=True):
    """One frozen file. `name` is its name in the data directory, sidecars included.

    `sha256` is hex, of the plain bytes; `blocks` are their block hashes (see `format.blocks`).
    `fingerprint` is the live file's, None where it is too young to prove anything.
    """

    name: str
    path: Path
    size: int
    sha256: str
    fingerprint: Fingerprint | None
    blocks: bytes = b""


class Database(msgspec.Struct, frozen=True):
    """A database file and the sidecars that belong to the same moment.

    Or a set of files, which is one file here. `kind` is as in `StoredFile`; `members` is how many
    files a set has, and `notes` name those that it goes without.
    """

    name: str
    file: SnapshotFile
    sidecars: tuple[SnapshotFile, ...] = ()
    kind: StoredKind = "duckdb"
    members: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[SnapshotFile, ...]:
        return (self.file, *self.sidecars)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A database that is not in the snapshot.

    `reason` is `busy` (the next round tries again), or for good until something changes:
    `missing`, `empty`, `unreadable`, `not-a-database` (`not-duckdb` in 0.1.0), `damaged`,
    `excluded` (no longer in `akosha_databases`). `as_of` is when its last good copy was made (ISO
    8601 UTC), "" where it never was stored.

    `doubtful` says that nothing but the ending of its name makes a database of the file: while it
    was never stored, it is named, and is no failure.
    """

    name: str
    reason: str
    message: str
    as_of: str = ""
    doubtful: bool = False

    @property
    def uncertain(self) -> bool:
        """Whether it may well be no database at all."""
        return self.doubtful and not self.as_of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The databases frozen under `directory`, those that had not changed, and those that failed."""

    directory: Path
    databases: tuple[Database, ...]
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
