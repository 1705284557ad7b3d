"""What DuckDB's files have to do for a copy of them to be consistent."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.snapshot.duckdb import has_to_settle, held_still, members
from akosha_hook.snapshot.model import Member


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "reflection.duckdb"
    for name, size in (("", 100), (".wal", 10), (".wal.recovery", 1), (".txt", 1000)):
        path.with_name(path.name + name).write_bytes(bytes(size))
    return path


def test_a_database_and_its_sidecars_are_one(database: Path) -> None:
    found = members(database)
    assert [each.name for each in found] == [
        "reflection.duckdb",
        "reflection.duckdb.wal",
        "reflection.duckdb.wal.recovery",
    ]
    assert [each.path for each in found] == [database.with_name(each.name) for each in found]
    assert [each.fingerprint.size for each in found] == [100, 10, 1]


def test_only_the_database_has_to_be_at_rest(database: Path) -> None:
    assert has_to_settle(members(database)) == (Member.of(database),)


def test_a_sidecar_may_grow_and_another_may_come(database: Path) -> None:
    before = members(database)
    with database.with_name(database.name + ".wal").open("ab") as file:
        file.write(b"more")
    database.with_name(database.name + ".wal.checkpoint").touch()
    assert held_still(before, members(database))


def test_a_sidecar_that_shrank_was_begun_anew(database: Path) -> None:
    before = members(database)
    database.with_name(database.name + ".wal").write_bytes(b"x")
    assert not held_still(before, members(database))


def test_a_sidecar_that_went_was_merged(database: Path) -> None:
    before = members(database)
    database.with_name(database.name + ".wal").unlink()
    assert not held_still(before, members(database))


def test_a_database_that_changed_at_all_may_be_torn(database: Path) -> None:
    before = members(database)
    with database.open("ab") as file:
        file.write(b"more")
    assert not held_still(before, members(database))
