"""A consistent, frozen copy of the live databases.

DuckDB is never opened on them: a second process cannot, and its lock would stand in the owner's
way. What makes a copy of bare files consistent was measured: a database whose stat did not change
while it was copied, with sidecars copied only up to the size they had before.
"""

from __future__ import annotations

import errno
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import AkoshaHookError
from akosha_hook.snapshot.copy import Copied, copy_and_hash, hash_again
from akosha_hook.util import files

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

SIDECARS = (".wal", ".wal.checkpoint", ".wal.recovery")
ATTEMPTS = 8
RETRY_SECONDS = 0.1
SETTLE_SECONDS = 3.0
# A timestamp proves a file unchanged only when it is clearly older than the look at it.
MARGIN_NS = 50_000_000
COARSE_MARGIN_NS = 2_000_000_000
MAGIC = b"DUCK"
MAGIC_OFFSET = 8
SPARE_BYTES = 64 * 1024 * 1024
INDEX = "snapshot.json"


class Fingerprint(msgspec.Struct, frozen=True):
    """What `stat` says of a file; nanoseconds since the epoch, bytes."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Fingerprint:
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

    def settled(self, now_ns: int) -> bool:
        """Whether an equal fingerprint later would prove that the file did not change."""
        coarse = self.mtime_ns % 1_000_000_000 == 0 and self.ctime_ns % 1_000_000_000 == 0
        margin = COARSE_MARGIN_NS if coarse else MARGIN_NS
        return max(self.mtime_ns, self.ctime_ns) + margin < now_ns


class SnapshotFile(msgspec.Struct, frozen=True):
    """One frozen file. `name` is its name in the data directory, sidecars included.

    `sha256` is hex, of the plain bytes; `blocks` are their block hashes (see `blocks`).
    `fingerprint` is the live file's, None where it is too young to prove anything.
    """

    name: str
    path: Path
    size: int
    sha256: str
    fingerprint: Fingerprint | None
    blocks: bytes = b""


class Database(msgspec.Struct, frozen=True):
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
    """The databases frozen under `directory`, those that had not changed, and those that failed."""

    directory: Path
    databases: tuple[Database, ...]
    unchanged: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def find_databases(
    directory: Path, patterns: Iterable[str]
) -> tuple[tuple[str, ...], tuple[Skipped, ...]]:
    """Names of the databases in `directory` that `patterns` (names or globs) choose.

    A plain name that is not there is reported as missing; a glob without a match is not.
    """
    names: dict[str, None] = {}
    missing: list[Skipped] = []
    for pattern in patterns:
        if any(character in pattern for character in "*?["):
            found = sorted(
                path.name for path in directory.glob(pattern) if path.parent == directory
            )
            names.update(dict.fromkeys(name for name in found if not name.endswith(SIDECARS)))
        elif (directory / pattern).exists():
            names[pattern] = None
        else:
            missing.append(Skipped(pattern, "missing", f"{pattern} is not in {directory}"))
    return tuple(names), tuple(missing)


def take(
    source: Path,
    patterns: Iterable[str],
    into: Path,
    *,
    known: Mapping[str, Fingerprint] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Snapshot:
    """Freeze the databases of `source` in the new directory `into`.

    `known` are the fingerprints, by file name, of what is stored already: a database all of whose
    files match is not even read. `meanwhile` runs beside the copying, if there is any. Raises
    AkoshaHookError when the disk is full or not writable.
    """
    names, missing = find_databases(source, patterns)
    unchanged = tuple(name for name in names if known and is_known(source / name, known))
    changed = [name for name in names if name not in unchanged]
    databases: list[Database] = []
    skipped = list(missing)
    if changed:
        _make_room(source, changed, into)
        if meanwhile:
            threading.Thread(target=meanwhile, daemon=True).start()
    for name in changed:
        outcome = _freeze(source / name, into)
        if isinstance(outcome, Database):
            databases.append(outcome)
        else:
            skipped.append(outcome)
    if databases:
        _write_index(into, databases)
    return Snapshot(into, tuple(databases), unchanged, tuple(skipped))


def _write_index(directory: Path, databases: Iterable[Database]) -> None:
    """Say what the snapshot holds, without the block hashes: 4 MB for a gigabyte, and cheap to redo."""
    files.write_json(directory / INDEX, [_with_blocks(each, {}) for each in databases])


def _with_blocks(database: Database, blocks: Mapping[str, bytes]) -> Database:
    def changed(file: SnapshotFile) -> SnapshotFile:
        return msgspec.structs.replace(file, blocks=blocks.get(file.name, b""))

    return Database(
        database.name, changed(database.file), tuple(changed(each) for each in database.sidecars)
    )


def reopen(directory: Path) -> Snapshot | None:
    """The snapshot a killed run left complete in `directory`; None where it did not finish."""
    databases = files.read_json(directory / INDEX, tuple[Database, ...])
    if not databases:
        return None
    # The copies were not fsynced, so a power cut may have left holes: only the hash tells.
    frozen = [each for database in databases for each in database.files]
    if any(each.path != directory / Path(each.name).name for each in frozen):
        return None
    try:
        found = {each.name: hash_again(each.path) for each in frozen}
    except OSError:
        return None
    if any(found[each.name].sha256 != each.sha256 for each in frozen):
        return None
    blocks = {name: copied.blocks for name, copied in found.items()}
    return Snapshot(directory, tuple(_with_blocks(each, blocks) for each in databases))


def merged(first: Snapshot, second: Snapshot) -> Snapshot:
    """Both snapshots, taken into the same directory, as one."""
    fresh = {each.name for each in second.databases}
    databases = (
        *(each for each in first.databases if each.name not in fresh),
        *second.databases,
    )
    if databases:
        _write_index(first.directory, databases)
    return Snapshot(first.directory, databases, first.unchanged, (*first.skipped, *second.skipped))


def members(database: Path) -> dict[Path, Fingerprint]:
    """The database file and the sidecars it has now, the database first.

    Raises OSError where the database itself cannot be looked at.
    """
    found = {database: Fingerprint.of(database.stat())}
    for suffix in SIDECARS:
        sidecar = database.with_name(database.name + suffix)
        try:
            found[sidecar] = Fingerprint.of(sidecar.stat())
        except FileNotFoundError:
            continue
    return found


def is_known(database: Path, known: Mapping[str, Fingerprint]) -> bool:
    """Whether the database and its sidecars are, by stat, the files that `known` names."""
    try:
        now = {path.name: fingerprint for path, fingerprint in members(database).items()}
    except OSError:
        return False
    before = {name: known[name] for name in _family(database.name) if name in known}
    return now == before


def _family(name: str) -> tuple[str, ...]:
    return (name, *(name + suffix for suffix in SIDECARS))


def _make_room(source: Path, names: Iterable[str], into: Path) -> None:
    try:
        files.private_directory(into.parent)
        files.private_directory(into)
        free = shutil.disk_usage(into).free
    except OSError as error:
        raise AkoshaHookError(
            f"No snapshot can be written to {into}: {error.strerror}.",
            hint="Check the directory's permissions, or set CLAUDE_CONFIG_DIR.",
        ) from error
    needed = sum(size_of(source / name) for name in names)
    if free < needed + SPARE_BYTES:
        raise AkoshaHookError(
            f"The disk of {into} is too full for a snapshot: {needed + SPARE_BYTES:,} bytes are "
            f"needed, {free:,} are free.",
            hint="Free some space; the event waits and the next sync carries on.",
        )


def size_of(database: Path) -> int:
    """Bytes of the database and its sidecars; 0 where it cannot be looked at."""
    try:
        return sum(fingerprint.size for fingerprint in members(database).values())
    except OSError:
        return 0


def _freeze(database: Path, into: Path) -> Database | Skipped:
    name = database.name
    try:
        if problem := _unusable(database):
            return problem
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(RETRY_SECONDS * attempt)
            _wait_until_settled(database)
            if frozen := _copy_once(database, into):
                return frozen
    except FileNotFoundError:
        return Skipped(name, "busy", f"{name} was replaced while it was being copied")
    except PermissionError:
        return Skipped(name, "unreadable", f"{name} cannot be read: permission denied")
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}:
            raise AkoshaHookError(
                f"The snapshot of {name} could not be written: {error.strerror}.",
                hint="Free some space; the event waits and the next sync carries on.",
            ) from error
        return Skipped(name, "unreadable", f"{name} cannot be read: {error.strerror}")
    return Skipped(name, "busy", f"{name} kept changing while it was being copied")


def _wait_until_settled(database: Path) -> None:
    """Wait, for a bounded time, until the file's timestamps are old enough to prove something."""
    limit = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < limit:
        if Fingerprint.of(database.stat()).settled(time.time_ns()):
            return
        time.sleep(0.02)


def _unusable(database: Path) -> Skipped | None:
    """Why these bytes are no DuckDB database, if they are none; encrypted ones count as one."""
    name = database.name
    if not database.is_file():
        return Skipped(name, "unreadable", f"{name} is not a file")
    with database.open("rb") as file:
        head = file.read(MAGIC_OFFSET + len(MAGIC))
    if not head:
        return Skipped(name, "empty", f"{name} is empty (0 bytes)")
    if head[MAGIC_OFFSET:] != MAGIC:
        return Skipped(name, "not-duckdb", f"{name} is not a DuckDB database")
    return None


def _copy_once(database: Path, into: Path) -> Database | None:
    """One attempt; None when the files moved too much for the copy to be trusted."""
    started = time.time_ns()
    before = members(database)
    if not before[database].settled(started):
        return None
    copied: dict[Path, Copied] = {}
    for path in reversed(before):
        target = into / path.name
        copied[path] = copy_and_hash(path, target, before[path].size)
    after = members(database)
    if after[database] != before[database] or not all(
        path in after
        and after[path].inode == before[path].inode
        and after[path].size >= before[path].size
        for path in before
    ):
        return None
    frozen = [
        SnapshotFile(
            name=path.name,
            path=into / path.name,
            size=fingerprint.size,
            sha256=copied[path].sha256,
            fingerprint=fingerprint if fingerprint.settled(started) else None,
            blocks=copied[path].blocks,
        )
        for path, fingerprint in before.items()
    ]
    return Database(database.name, frozen[0], tuple(frozen[1:]))
