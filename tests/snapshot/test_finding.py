"""Which files of the data directory are databases that are backed up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from akosha_hook.settings import Settings
from akosha_hook.snapshot import find, find_databases
from tests.support.duck import make_databases

PATTERNS = ("reflection.duckdb", "knowledge_graph*.duckdb")
ALL = Settings().akosha_databases


def test_every_database_is_found_without_a_setting_and_nothing_else(tmp_path: Path) -> None:
    make_databases(tmp_path, conversations=1)
    (tmp_path / "knowledge_graph.duckdb").rename(tmp_path / "metrics")
    for name in ("activity.db", "notes.dat"):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute("CREATE TABLE t (i)")
        connection.close()
    for name in ("activity.db-wal", "activity.db-shm", "activity.db-journal", "x.duckdb.wal"):
        (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "sessions").mkdir()
    names, missing = find_databases(tmp_path, ALL)
    assert names == ("reflection.duckdb", "activity.db", "metrics", "notes.dat")
    assert missing == ()


def test_a_file_that_is_called_a_database_and_is_none_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sealed.db").write_bytes(b"random")
    (tmp_path / "sealed.bin").write_bytes(b"random")
    assert find_databases(tmp_path, ALL)[0] == ("sealed.db",)


def test_a_directory_that_is_not_there_has_no_databases(tmp_path: Path) -> None:
    assert find_databases(tmp_path / "data", ALL) == ((), ())


def test_a_named_database_that_is_not_there_is_missing_and_a_glob_without_match_is_not(
    tmp_path: Path,
) -> None:
    names, missing = find_databases(tmp_path, PATTERNS)
    assert names == ()
    assert [each.name for each in missing] == ["reflection.duckdb"]


@pytest.mark.parametrize("pattern", ["knowledge_graph*", "knowledge_graph_[a-c]*"])
def test_a_glob_takes_every_collection_and_no_sidecar(tmp_path: Path, pattern: str) -> None:
    for name in ("knowledge_graph_a.duckdb", "knowledge_graph_a.duckdb.wal", "other.duckdb"):
        (tmp_path / name).touch()
    names, _ = find_databases(tmp_path, [pattern])
    assert names == ("knowledge_graph_a.duckdb",)


def test_one_that_lies_outside_is_the_only_one_of_its_name(tmp_path: Path) -> None:
    """Even where it is missing: another file is no newer state of it."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    make_databases(data, conversations=1)
    make_databases(elsewhere, conversations=1)
    path = elsewhere / "reflection.duckdb"
    for patterns in (ALL, PATTERNS):
        found = find(data, patterns, [path])
        paths = [each.path for each in found.databases]
        assert paths == [path, data / "knowledge_graph.duckdb"]
        assert found.missing == ()
    path.unlink()
    for patterns in (ALL, PATTERNS):
        found = find(data, patterns, [path])
        assert [each.name for each in found.databases] == ["knowledge_graph.duckdb"]
        (missing,) = found.missing
        assert missing.message == f"reflection.duckdb is not in {elsewhere}"
