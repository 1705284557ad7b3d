"""The databases: whether they exist, how large they are, and whether they can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.doctor.finding import Finding
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import owner
from akosha_hook.snapshot.kinds import kind_of
from akosha_hook.snapshot.sets import set_of
from akosha_hook.sync import present
from akosha_hook.sync.outcome import restore_advice
from akosha_hook.sync.under_way import Request, destinations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Database, LiveDatabase
    from akosha_hook.sync.under_way import Sync

AREA = "Databases"
READ_SECONDS = 30.0
# DuckDB checkpoints at 16 MiB: far more means that nothing has for a long time.
LARGE_WAL_BYTES = 256 * 1024 * 1024


def findings(context: Context) -> Iterator[Finding]:
    """Each configured database, then what a copy of each contains."""
    source = data_directory(context.loaded.settings, context.paths)
    patterns, outside = context.loaded.settings.akosha_databases, context.outside_databases
    found = snapshot.find(source, patterns, outside)
    if not found.databases:
        detail = f"no database in {source}"
        fix = "start Session-Buddy once, or: akosha-hook config set akosha_data_dir DIRECTORY"
        yield Finding(AREA, "files", "problem", detail, fix, ExitCode.SETTINGS)
    for live in found.databases:
        if kind_of(live.path) is not None:
            yield _live(live)
    with present.scratch(context) as directory:
        try:
            frozen = snapshot.take(source, patterns, directory / "copy", outside=outside)
        except AkoshaHookError as error:
            yield Finding(AREA, "snapshot", "problem", error.message, error.hint)
            return
        sync = _sync(context)
        for skipped in (sync.gone(frozen) if sync else frozen).skipped:
            if set_of(skipped.name) is None:
                yield _skipped(skipped)
        stored = _stored(sync)
        for database in frozen.databases:
            yield _read(database, stored.get(database.name, ""))


def _sync(context: Context) -> Sync | None:
    """What a sync would work with; None where the settings name no destination."""
    request = Request()
    try:
        chain = destinations(request, context, dropped=context.dropped)
    except AkoshaHookError:
        return None
    return present.read_only(request, context, chain)


def _stored(sync: Sync | None) -> dict[str, str]:
    """When the last good copy of each database was made (ISO 8601 UTC)."""
    good = sync.last_good() if sync else {}
    return {name: each.stale.as_of for name, each in good.items() if each.stale}


def _live(live: LiveDatabase) -> Finding:
    name, kind = live.name, kind_of(live.path)
    try:
        sizes = {each: found.size for each, found in live.fingerprints().items()}
    except OSError as error:
        return Finding(AREA, name, "warning", f"it cannot be looked at: {error.strerror}")
    wal = "-wal" if kind == "sqlite" else ".wal"
    wal_size = sizes.get(name + wal, 0)
    detail = f"{sizes[name] / 1e6:.1f} MB, {wal_size / 1e6:.1f} MB in its {wal}"
    pid = owner.owner(live.path)
    if pid:
        detail += f", open in process {pid}"
    elif kind != "sqlite":
        # SQLite has a lock only while it reads or writes.
        detail += ", not open in any process"
    if wal_size > LARGE_WAL_BYTES:
        engine = "SQLite" if kind == "sqlite" else "DuckDB"
        fix = f"close Session-Buddy: {engine} then merges the {wal} into the database"
        return Finding(AREA, name, "warning", detail, fix)
    return Finding(AREA, name, "ok", detail)


def _skipped(skipped: snapshot.Skipped) -> Finding:
    if skipped.reason == "missing" and not skipped.as_of:
        detail = f"{skipped.message}: it will be backed up once it exists"
        return Finding(AREA, skipped.name, "ok", detail)
    if skipped.uncertain or skipped.reason in {"missing", "excluded"}:
        # The message of one that was stored once says what to type.
        more = ": it is not backed up" if skipped.uncertain else ""
        return Finding(AREA, skipped.name, "warning", f"{skipped.message}{more}")
    if skipped.reason == "lost":
        return Finding(AREA, skipped.name, "problem", skipped.message, exit_code=ExitCode.DAMAGED)
    if skipped.reason == "busy":
        fix = "run akosha-hook doctor again when the database is less busy"
        return Finding(AREA, skipped.name, "warning", skipped.message, fix)
    if skipped.reason == "unreadable":
        fix = "make the file readable: chmod u+r"
        return Finding(AREA, skipped.name, "problem", skipped.message, fix, ExitCode.CREDENTIALS)
    fix = restore_advice([skipped])
    return Finding(AREA, skipped.name, "problem", skipped.message, fix, ExitCode.DAMAGED)


def _read(database: Database, as_of: str) -> Finding:
    from akosha_hook import duckdb_reader as rows
    from akosha_hook import sqlite_reader

    path = database.file.path
    inspect = sqlite_reader.inspect if database.kind == "sqlite" else rows.inspect
    try:
        damage = inspect(path, timeout_seconds=READ_SECONDS).problem
    except rows.NotCheckedError as error:
        return Finding(AREA, database.name, "warning", error.message, error.hint)
    if damage:
        fix = restore_advice([snapshot.Skipped(database.name, "damaged", damage, as_of=as_of)])
        detail = f"a copy cannot be read: {damage}"
        return Finding(AREA, database.name, "problem", detail, fix, ExitCode.DAMAGED)
    if database.kind == "sqlite":
        count = sqlite_reader.row_count(path, timeout_seconds=READ_SECONDS)
        holds = "" if count is None else f", it has {count:,} rows"
    else:
        count = rows.conversation_count(path, timeout_seconds=READ_SECONDS)
        holds = "" if count is None else f", it has {count} conversations"
    return Finding(AREA, database.name, "ok", f"a copy opens and every value can be read{holds}")
