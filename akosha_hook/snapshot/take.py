"""Taking a consistent copy of live databases.

DuckDB is never opened on them: a second process cannot, and its lock would stand in the owner's
way. What makes a copy of bare files consistent was measured: a database whose stat did not change
while it was copied, with sidecars copied only up to the size they had before. A database whose
timestamp lies ahead of the clock is proved in another way (see `ahead`).
"""

from __future__ import annotations

import shutil
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from akosha_hook.errors import AkoshaHookError, Kind
from akosha_hook.snapshot import ahead, duckdb
from akosha_hook.snapshot.ahead import Candidate
from akosha_hook.snapshot.copy import Copied, copy_and_hash
from akosha_hook.snapshot.finding import find_databases
from akosha_hook.snapshot.index import write_index
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, Snapshot, SnapshotFile
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")
OnRead: TypeAlias = "Callable[[], object] | None"

ATTEMPTS = 8
RETRY_SECONDS = 0.1
SETTLE_SECONDS = 3.0
SPARE_BYTES = 64 * 1024 * 1024


def take(
    source: Path,
    patterns: Iterable[str],
    into: Path,
    *,
    known: Mapping[str, Fingerprint] | None = None,
    meanwhile: Callable[[], object] | None = None,
    on_read: OnRead = None,
) -> Snapshot:
    """Freeze the databases of `source` in the new directory `into`.

    `known` are the fingerprints, by file name, of what is stored already: a database all of whose
    files match is not even read. `meanwhile` runs beside the copying, if there is any; `on_read` is
    called for every piece that is read. Raises AkoshaHookError when the disk is full or not
    writable.
    """
    names, missing = find_databases(source, patterns)
    unchanged = tuple(name for name in names if known and duckdb.is_known(source / name, known))
    changed = [name for name in names if name not in unchanged]
    databases: list[Database] = []
    skipped = list(missing)
    if changed:
        _make_room(source, changed, into)
        if meanwhile:
            threading.Thread(target=meanwhile, daemon=True).start()
    for outcome in _freeze_all([source / name for name in changed], into, on_read):
        if isinstance(outcome, Database):
            databases.append(outcome)
        else:
            skipped.append(outcome)
    if databases:
        write_index(into, databases)
    return Snapshot(into, tuple(databases), unchanged, tuple(skipped))


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
    needed = sum(duckdb.size_of(source / name) for name in names)
    if free < needed + SPARE_BYTES:
        raise AkoshaHookError(
            f"The disk of {into} is too full for a snapshot: {needed + SPARE_BYTES:,} bytes are "
            f"needed, {free:,} are free.",
            hint="Free some space; the event waits and the next sync carries on.",
            kind=Kind.FULL,
        )


def _freeze_all(databases: Sequence[Path], into: Path, on_read: OnRead) -> list[Database | Skipped]:
    """Freeze each of `databases`; those ahead of the clock share their waits."""
    outcomes: dict[Path, Database | Skipped] = {}
    candidates: dict[Path, Candidate] = {}
    for _ in range(ahead.ATTEMPTS):
        candidates = {}
        for database in (each for each in databases if each not in outcomes):
            outcome = _attempt(database, partial(_freeze, database, into, on_read))
            if isinstance(outcome, Candidate):
                candidates[database] = outcome
            else:
                outcomes[database] = outcome
        if not candidates:
            break
        ahead.wait_for_rest()
        for database, candidate in candidates.items():
            if proof := _attempt(database, partial(ahead.proved, candidate)):
                outcomes[database] = proof
    return [outcomes.get(each) or _never_at_rest(candidates[each]) for each in databases]


def _attempt(database: Path, action: Callable[[], T]) -> T | Skipped:
    """What `action` returns, or why the database is left out.

    Raises AkoshaHookError when the disk is full or not writable.
    """
    name = database.name
    try:
        return action()
    except FileNotFoundError:
        return Skipped(name, "busy", f"{name} was replaced while it was being copied")
    except PermissionError:
        return Skipped(name, "unreadable", f"{name} cannot be read: permission denied")
    except OSError as error:
        if files.is_disk_error(error):
            raise AkoshaHookError(
                f"The snapshot of {name} could not be written: {error.strerror}.",
                hint="Free some space; the event waits and the next sync carries on.",
                kind=Kind.FULL,
            ) from error
        return Skipped(name, "unreadable", f"{name} cannot be read: {error.strerror}")


def _freeze(database: Path, into: Path, on_read: OnRead) -> Database | Skipped | Candidate:
    """The copy; a candidate for one where the database's timestamp lies ahead of the clock."""
    if problem := duckdb.unusable(database):
        return problem
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(RETRY_SECONDS * attempt)
        _wait_until_settled(database)
        started = time.time_ns()
        before = duckdb.members(database)
        is_ahead = before[database].ahead(started)
        if not is_ahead and not before[database].settled(started):
            continue
        try:
            copied = _copy(database, before, into, started, on_read)
        except FileNotFoundError:
            # A checkpoint removes or empties the sidecar.
            continue
        if is_ahead:
            return Candidate(database, before, copied)
        if _held_still(database, before):
            return copied
    name = database.name
    return Skipped(name, "busy", f"{name} kept changing while it was being copied")


def _never_at_rest(candidate: Candidate) -> Skipped:
    name = candidate.path.name
    by = ahead.distance(candidate.before[candidate.path], time.time_ns())
    return Skipped(
        name,
        "busy",
        f"{name} kept changing while it was being copied, and its timestamp lies {by} ahead of "
        "this machine's clock",
    )


def _wait_until_settled(database: Path) -> None:
    """Wait, for a bounded time, until the file's timestamps are old enough to prove something.

    There is no waiting for one that lies ahead of the clock.
    """
    limit = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < limit:
        now, fingerprint = time.time_ns(), Fingerprint.of(database.stat())
        if fingerprint.settled(now) or fingerprint.ahead(now):
            return
        time.sleep(0.02)


def _held_still(database: Path, before: Mapping[Path, Fingerprint]) -> bool:
    """Whether the files moved too little since `before` for a copy of them to be torn."""
    after = duckdb.members(database)
    return after[database] == before[database] and all(
        path in after
        and after[path].inode == before[path].inode
        and after[path].size >= before[path].size
        for path in before
    )


def _copy(
    database: Path,
    before: Mapping[Path, Fingerprint],
    into: Path,
    started: int,
    on_read: OnRead,
) -> Database:
    """A copy of the files that `before` names, sidecars first, each up to its size there."""
    copied: dict[Path, Copied] = {}
    for path in reversed(list(before)):
        copied[path] = copy_and_hash(path, into / path.name, before[path].size, on_read=on_read)
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
