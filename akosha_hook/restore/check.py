"""Reading restored databases from end to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import duckdb_reader, sqlite_reader
from akosha_hook.errors import DamagedError
from akosha_hook.restore import sets
from akosha_hook.snapshot.kinds import kind_of
from akosha_hook.snapshot.sets import set_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.restore.staging import Staging
    from akosha_hook.util.progress import Progress

ENGINES = {"duckdb": "DuckDB", "sqlite": "SQLite"}
CHECK_SECONDS = 120.0
CHECK_BYTES_PER_SECOND = 5_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """What reading a database found: `problem` is "" for a full scan without a finding.

    Without a verdict (`checked` False: a newer DuckDB made it, or time ran out) it says why, and
    `hint` what may help. `carries` names the macros, views and triggers in it: they run in whatever
    opens it. `engine` is the program that read it.
    """

    problem: str = ""
    checked: bool = True
    carries: tuple[str, ...] = ()
    engine: str = "DuckDB"
    hint: str = ""

    @property
    def is_damaged(self) -> bool:
        return self.checked and bool(self.problem)

    @property
    def needs_force(self) -> bool:
        """Whether it is put in place only where the user insists."""
        return bool(self.problem or self.carries)

    def __str__(self) -> str:
        if not self.checked:
            return f"not checked: {self.problem}"
        carried = f"carries {', '.join(self.carries)}" if self.carries else ""
        return "; ".join(filter(None, (self.problem, carried)))


def check(staging: Staging, wanted: Sequence[StoredFile], progress: Progress) -> dict[str, Check]:
    """Read every database and every set in the staging directory through; the result of each.

    Raises DamagedError where a database is of another kind than its manifest says.
    """
    progress.phase("check")
    return {each.name: _check_one(staging, each) for each in wanted if each.name == each.database}


def seconds_for(file: StoredFile) -> float:
    """How long reading a database may take."""
    return CHECK_SECONDS + file.size / CHECK_BYTES_PER_SECOND


def _check_one(staging: Staging, file: StoredFile) -> Check:
    if file.kind == "files":
        name = set_of(file.name)
        problem = sets.problem_of(staging.whole / file.name, name) if name else "it is not known"
        return Check(problem, checked=name is not None, engine="akosha-hook")
    path = staging.whole / file.name
    kind = file.kind or "duckdb"
    _refuse_another_kind(file.name, path, kind)
    engine = ENGINES[kind]
    inspect = sqlite_reader.inspect if kind == "sqlite" else duckdb_reader.inspect
    try:
        found = inspect(path, timeout_seconds=seconds_for(file))
    except duckdb_reader.NotCheckedError as error:
        return Check(error.message, checked=False, engine=engine, hint=error.hint)
    return Check(found.problem or "", carries=found.carries, engine=engine)


def _refuse_another_kind(name: str, path: Path, kind: str) -> None:
    """What we store is what its manifest says: somebody else has put another kind there."""
    found = kind_of(path)
    if found is not None and found != kind:
        raise DamagedError(
            f"{name} is a {ENGINES[found]} database, but its manifest says that it is a "
            f"{ENGINES[kind]} one.",
            hint="Somebody has changed or planted this upload. akosha-hook ls shows every upload.",
        )
