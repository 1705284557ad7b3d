"""The databases: whether they exist, how large they are, and whether they can be read."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.doctor.finding import Finding
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.paths import DOCTOR_SCRATCH
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import owner
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select
from akosha_hook.sync.outcome import restore_advice
from akosha_hook.util import files, temporary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Database

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
        yield Finding(AREA, "files", "problem", detail, fix)
        return
    for each in found.missing:
        detail = f"{each.message}: it will be backed up once it exists"
        yield Finding(AREA, each.name, "ok", detail)
    for live in found.databases:
        yield _live(live.path)
    stored = _stored(context)
    with _scratch(context) as directory:
        try:
            frozen = snapshot.take(source, patterns, directory / "copy", outside=outside)
        except AkoshaHookError as error:
            yield Finding(AREA, "snapshot", "problem", error.message, error.hint)
            return
        for skipped in frozen.skipped:
            if skipped.reason != "missing":
                yield _skipped(skipped, stored.get(skipped.name, ""))
        for database in frozen.databases:
            yield _read(database, stored.get(database.name, ""))


def _stored(context: Context) -> dict[str, str]:
    """When the copy of each database was made that the last upload has (ISO 8601 UTC)."""
    target = select.preferred(context)
    if target is None or target.method != "cloud":
        return {}
    last = Receipts(context.paths).last_success(target)
    if last is None:
        return {}
    return {each.name: each.stale.as_of if each.stale else last.started for each in last.files}


def _live(path: Path) -> Finding:
    size = path.stat().st_size
    wal = path.with_name(f"{path.name}.wal")
    wal_size = wal.stat().st_size if wal.exists() else 0
    pid = owner.owner(path)
    detail = f"{size / 1e6:.1f} MB, {wal_size / 1e6:.1f} MB in its .wal"
    detail += f", open in process {pid}" if pid else ", not open in any process"
    if wal_size > LARGE_WAL_BYTES:
        fix = "close Session-Buddy: DuckDB then merges the .wal into the database"
        return Finding(AREA, path.name, "warning", detail, fix)
    return Finding(AREA, path.name, "ok", detail)


def _skipped(skipped: snapshot.Skipped, as_of: str) -> Finding:
    if skipped.reason == "busy":
        fix = "run akosha-hook doctor again when the database is less busy"
        return Finding(AREA, skipped.name, "warning", skipped.message, fix)
    if skipped.reason == "unreadable":
        fix = "make the file readable: chmod u+r"
        return Finding(AREA, skipped.name, "problem", skipped.message, fix, ExitCode.CREDENTIALS)
    fix = restore_advice([replace(skipped, as_of=as_of)])
    return Finding(AREA, skipped.name, "problem", skipped.message, fix, ExitCode.DAMAGED)


def _read(database: Database, as_of: str) -> Finding:
    from akosha_hook import duckdb_reader as rows

    path = database.file.path
    try:
        damage = rows.check(path, timeout_seconds=READ_SECONDS)
    except rows.NotCheckedError as error:
        return Finding(AREA, database.name, "warning", error.message, error.hint)
    if damage:
        fix = restore_advice([snapshot.Skipped(database.name, "damaged", damage, as_of=as_of)])
        detail = f"a copy cannot be read: {damage}"
        return Finding(AREA, database.name, "problem", detail, fix, ExitCode.DAMAGED)
    count = rows.conversation_count(path, timeout_seconds=READ_SECONDS)
    conversations = "" if count is None else f", it has {count} conversations"
    return Finding(
        AREA, database.name, "ok", f"a copy opens and every value can be read{conversations}"
    )


@contextlib.contextmanager
def _scratch(context: Context) -> Iterator[Path]:
    """A temporary directory for copies, on the disk of our state directory if that exists."""
    state = context.paths.state
    # Left over by an earlier run that was killed.
    for leftover in state.glob(f"{DOCTOR_SCRATCH}*"):
        if temporary.is_abandoned(leftover):
            files.remove_tree(leftover)
    scratch = Path(tempfile.mkdtemp(prefix=DOCTOR_SCRATCH, dir=state if state.is_dir() else None))
    try:
        yield scratch
    finally:
        files.remove_tree(scratch)
