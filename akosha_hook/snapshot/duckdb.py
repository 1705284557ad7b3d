"""DuckDB's rules: which files belong to a database, and what proves a copy of them consistent.

DuckDB itself is never loaded here: it could not open a database that somebody has open. That a
copy is consistent if the database's stat did not change while it was made, with sidecars copied
only up to the size they had before, was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.snapshot.model import Member

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.snapshot.kinds import Kind
    from akosha_hook.snapshot.model import Database, Skipped

kind: Kind = "duckdb"
attempts = 8
settle_seconds = 3.0


def members(database: Path) -> tuple[Member, ...]:
    """The database file and the sidecars it has now, the database first.

    Raises OSError where the database itself cannot be looked at.
    """
    found = [Member.of(database)]
    for suffix in SIDECARS_OF["duckdb"]:
        try:
            found.append(Member.of(database.with_name(database.name + suffix)))
        except FileNotFoundError:
            continue
    return tuple(found)


def has_to_settle(before: Sequence[Member]) -> Sequence[Member]:
    """Only the database: what is appended to a sidecar meanwhile is cut off."""
    return before[:1]


def held_still(before: Sequence[Member], after: Sequence[Member]) -> bool:
    """Whether the files moved too little since `before` for a copy of them to be torn."""
    now = {each.name: each.fingerprint for each in after}
    return after[0] == before[0] and all(
        each.name in now
        and now[each.name].inode == each.fingerprint.inode
        and now[each.name].size >= each.fingerprint.size
        for each in before
    )


def refused(copy: Database) -> Skipped | None:  # noqa: ARG001 - see `rules`
    """DuckDB finds damage by the checksums of its blocks, when the copy is read."""
    return None


def without_rest(database: Path, into: Path) -> Database | Skipped | None:  # noqa: ARG001 - see `rules`
    """There is no other way to copy a database that never holds still."""
    return None
