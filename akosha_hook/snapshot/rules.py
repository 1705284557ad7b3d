"""What every kind of database has to say about itself, and which module says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from akosha_hook.snapshot import duckdb, sqlite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from akosha_hook.snapshot.kinds import Kind
    from akosha_hook.snapshot.model import Database, Member, Skipped


class Rules(Protocol):
    """A module of the kind's name."""

    kind: Kind
    # How often a copy is tried, and how long each time is waited for timestamps to settle.
    attempts: int
    settle_seconds: float

    def members(self, database: Path, /) -> tuple[Member, ...]:
        """The files that belong to one moment, the database first. Raises OSError."""

    def has_to_settle(self, before: Sequence[Member], /) -> Sequence[Member]:
        """Those whose timestamps have to be old enough to prove something before a copy is made."""

    def held_still(self, before: Sequence[Member], after: Sequence[Member], /) -> bool:
        """Whether looks before and after a copy prove it consistent."""

    def refused(self, copy: Database, /) -> Skipped | None:
        """Why a copy that held still is not taken all the same; None where it is."""

    def without_rest(self, database: Path, into: Path, /) -> Database | Skipped | None:
        """A copy of a database that never holds still, or why not; None where there is no way."""


RULES: Mapping[Kind, Rules] = {"duckdb": duckdb, "sqlite": sqlite}
