"""Restored databases are read from end to end by DuckDB, and what it says is told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DamagedError
from akosha_hook.format.manifest import StoredFile, StoredKind
from akosha_hook.restore.check import Check, check
from akosha_hook.restore.staging import Staging, temporary_staging
from akosha_hook.util.progress import Silent
from tests.support import sqlite_files
from tests.support.duck import make_databases
from tests.support.duckdb_files import make_too_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Two whole databases in a staging directory."""
    with temporary_staging(tmp_path) as staging:
        make_databases(staging.whole, conversations=5)
        yield staging


def wanted(*names: str, kind: StoredKind = "") -> list[StoredFile]:
    return [
        StoredFile(
            name=name,
            database=name.removesuffix(".wal"),
            key=f"systems/laptop/uploads/u/{name}",
            size=1000,
            stored_size=1000,
            sha256="0" * 64,
            compression="identity",
            kind=kind,
        )
        for name in names
    ]


def test_whole_databases_have_no_problem_and_sidecars_are_part_of_them(staging: Staging) -> None:
    checks = check(staging, wanted("reflection.duckdb", "knowledge_graph.duckdb"), Silent())
    assert checks == {"reflection.duckdb": Check(), "knowledge_graph.duckdb": Check()}
    only = check(staging, wanted("reflection.duckdb", "reflection.duckdb.wal"), Silent())
    assert list(only) == ["reflection.duckdb"]


def test_one_that_duckdb_cannot_read_is_damaged(staging: Staging) -> None:
    path = staging.whole / "knowledge_graph.duckdb"
    data = bytearray(path.read_bytes())
    data[12_288:] = b"\xa5" * (len(data) - 12_288)
    path.write_bytes(data)
    checks = check(staging, wanted("reflection.duckdb", "knowledge_graph.duckdb"), Silent())
    assert checks["reflection.duckdb"] == Check()
    damaged = checks["knowledge_graph.duckdb"]
    assert damaged.is_damaged
    assert str(damaged) == damaged.problem != ""


def test_one_of_a_newer_duckdb_is_not_checked_which_is_no_damage(staging: Staging) -> None:
    make_too_new(staging.whole / "reflection.duckdb")
    (newer,) = check(staging, wanted("reflection.duckdb"), Silent()).values()
    assert not newer.checked
    assert not newer.is_damaged
    assert str(newer).startswith("not checked: ")


def test_a_sqlite_database_is_checked_by_sqlite(staging: Staging) -> None:
    path = sqlite_files.make(staging.whole / "a.db")
    assert check(staging, wanted("a.db", kind="sqlite"), Silent()) == {
        "a.db": Check(engine="SQLite")
    }
    path.write_bytes(path.read_bytes()[:10_000])
    (damaged,) = check(staging, wanted("a.db", kind="sqlite"), Silent()).values()
    assert damaged.is_damaged
    assert damaged.engine == "SQLite"
    path.write_bytes(b"neither")
    (neither,) = check(staging, wanted("a.db", kind="sqlite"), Silent()).values()
    assert neither.is_damaged


def test_one_of_a_newer_sqlite_is_not_checked(staging: Staging) -> None:
    path = sqlite_files.make(staging.whole / "a.db")
    data = bytearray(path.read_bytes())
    data[18:20] = b"\3\3"
    path.write_bytes(data)
    (newer,) = check(staging, wanted("a.db", kind="sqlite"), Silent()).values()
    assert not newer.checked
    assert newer.hint == "A newer Python has a newer SQLite."


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("a.db", "", "a.db is a SQLite database, but its manifest says that it is a DuckDB one"),
        ("reflection.duckdb", "sqlite", "is a DuckDB database, but its manifest says"),
    ],
)
def test_a_database_of_another_kind_than_its_manifest_says_is_refused(
    staging: Staging, name: str, kind: StoredKind, said: str
) -> None:
    sqlite_files.make(staging.whole / "a.db")
    with pytest.raises(DamagedError, match=said):
        check(staging, wanted(name, kind=kind), Silent())
