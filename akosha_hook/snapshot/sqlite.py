"""SQLite's rules: which files belong to a database, and what proves a copy of them consistent.

DuckDB's proof would be wrong: a checkpoint writes pages of the `-wal` into the database, and what is
committed next overwrites the `-wal` in place. So every file has to be at rest, and SQLite has to
find the copy whole. `-shm` is none of them: it is rebuilt from the `-wal`.

A database that never holds still is the only one that is ever opened, to read, in a process of its
own (see `sqlite_child`).
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError, Kind
from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.snapshot import sqlite_process
from akosha_hook.snapshot.copy import hash_again
from akosha_hook.snapshot.model import Database, Member, Skipped, SnapshotFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.snapshot import kinds

# https://www.sqlite.org/fileformat.html#the_rollback_journal
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_NAME_END = struct.Struct(">II8s")
# SQLite's own limit.
MAX_PATH = 512

FREE_SPACE = "Free some space; the event waits and the next sync carries on."

kind: kinds.Kind = "sqlite"
# A writer that leaves no pause is not waited for: there is another way.
attempts = 2
settle_seconds = 1.0


def members(database: Path) -> tuple[Member, ...]:
    """The database file and the sidecars with something in them, the database first.

    Raises OSError where the database itself cannot be looked at.
    """
    # SQLite looks for them where a link leads to.
    real = database.resolve()
    found = [Member.of(real, database.name)]
    for suffix in SIDECARS_OF["sqlite"]:
        try:
            each = Member.of(real.with_name(real.name + suffix), database.name + suffix)
        except FileNotFoundError:
            continue
        if each.fingerprint.size:
            found.append(each)
    return tuple(found)


def has_to_settle(before: Sequence[Member]) -> Sequence[Member]:
    """All of them."""
    return before


def held_still(before: Sequence[Member], after: Sequence[Member]) -> bool:
    """Whether no file came, went or changed."""
    return list(before) == list(after)


def refused(copy: Database) -> Skipped | None:
    """Why SQLite does not take the copy for a whole database; None where it does.

    A copy that could not be looked at is taken: that the files held still is proof enough.
    """
    name = copy.name
    journal = next((each for each in copy.sidecars if each.name.endswith("-journal")), None)
    if journal is not None and _names_another(journal.path):
        return Skipped(name, "busy", f"{name} is in the middle of a change to several databases")
    found = sqlite_process.check(copy)
    if found.outcome == "damaged":
        beside = " with its rollback journal" if journal is not None else ""
        return Skipped(name, "damaged", f"{name} is damaged: SQLite cannot read it{beside}")
    _raise_if_full(name, found)
    return None


def _names_another(journal: Path) -> bool:
    """Whether a journal counts only while a file of another name exists, which no copy has.

    That is so in the middle of a transaction that spans several databases; the journal then ends
    with the file's name, the length of it, a checksum and the magic.
    """
    if journal.stat().st_size < MAX_PATH + _NAME_END.size:
        # Less than the header: nothing of it counts.
        return False
    with journal.open("rb") as file:
        begin = file.read(len(JOURNAL_MAGIC))
        file.seek(-_NAME_END.size, os.SEEK_END)
        length, _, end = _NAME_END.unpack(file.read())
        if begin != JOURNAL_MAGIC or end != JOURNAL_MAGIC or length > MAX_PATH:
            return False
        file.seek(-_NAME_END.size - length, os.SEEK_END)
        return os.path.lexists(file.read(length))


def without_rest(database: Path, into: Path) -> Database | Skipped | None:
    """A copy that SQLite itself makes while others write; it has no sidecars, and no fingerprint.

    It differs from the file in a few bytes of the header, so a stat says nothing about it.
    """
    name, target = database.name, into / database.name
    found = sqlite_process.backup(database.resolve(), target)
    _raise_if_full(name, found)
    if found.outcome == "ok":
        copied = hash_again(target)
        file = SnapshotFile(
            name=name,
            path=target,
            size=target.stat().st_size,
            sha256=copied.sha256,
            fingerprint=None,
            blocks=copied.blocks,
        )
        copy = Database(name, file, kind="sqlite")
        return refused(copy) or copy
    if found.outcome == "damaged":
        return Skipped(name, "damaged", f"{name} is damaged: SQLite cannot read it")
    if found.outcome == "unreadable":
        return Skipped(name, "unreadable", f"{name} cannot be read: {found.message}")
    return Skipped(name, "busy", f"{name} kept changing while it was being copied: {found.message}")


def _raise_if_full(name: str, found: sqlite_process.Found) -> None:
    if found.outcome == "full":
        raise AkoshaHookError(
            f"The snapshot of {name} could not be written: {found.message}.",
            hint=FREE_SPACE,
            kind=Kind.FULL,
        )
