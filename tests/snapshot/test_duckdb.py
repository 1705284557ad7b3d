"""Which files are databases, and which belong to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.snapshot.duckdb import is_known, members, size_of, unusable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"DUCK", "not-duckdb"),
        (b"not a database at all, just text", "not-duckdb"),
        (b"\0" * 8 + b"DUCK", None),
    ],
)
def test_a_database_is_told_by_its_first_bytes(
    tmp_path: Path, content: bytes, reason: str | None
) -> None:
    path = tmp_path / "reflection.duckdb"
    path.write_bytes(content)
    problem = unusable(path)
    assert (problem.reason if problem else None) == reason


def test_anything_but_a_file_cannot_be_read(tmp_path: Path) -> None:
    problem = unusable(tmp_path)
    assert problem is not None
    assert problem.reason == "unreadable"


def test_a_database_and_its_sidecars_are_one(tmp_path: Path) -> None:
    database = tmp_path / "reflection.duckdb"
    for name, size in (("", 100), (".wal", 10), (".wal.recovery", 1), (".txt", 1000)):
        database.with_name(database.name + name).write_bytes(bytes(size))
    names = [path.name for path in members(database)]
    assert names == ["reflection.duckdb", "reflection.duckdb.wal", "reflection.duckdb.wal.recovery"]
    assert size_of(database) == 111
    assert size_of(tmp_path / "nothing.duckdb") == 0


def test_a_database_is_known_while_none_of_its_files_came_went_or_changed(tmp_path: Path) -> None:
    database, log = tmp_path / "reflection.duckdb", tmp_path / "reflection.duckdb.wal"
    database.write_bytes(b"x")
    log.write_bytes(b"y")
    known = {path.name: fingerprint for path, fingerprint in members(database).items()}
    assert is_known(database, known)
    assert is_known(database, {**known, "other.duckdb": known[database.name]})
    assert not is_known(database, {database.name: known[database.name]})
    log.unlink()
    assert not is_known(database, known)
    database.unlink()
    assert not is_known(database, known)
