"""Which files are databases, and which belong to one."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.snapshot import find_databases

PATTERNS = ("reflection.duckdb", "knowledge_graph*.duckdb")


def test_a_named_database_that_is_not_there_is_missing_and_a_glob_without_match_is_not(
    tmp_path: Path,
) -> None:
    names, missing = find_databases(tmp_path, PATTERNS)
    assert names == ()
    assert [each.name for each in missing] == ["reflection.duckdb"]


def test_a_glob_takes_every_collection_and_no_sidecar(tmp_path: Path) -> None:
    for name in ("knowledge_graph_a.duckdb", "knowledge_graph_a.duckdb.wal", "other.duckdb"):
        (tmp_path / name).touch()
    names, _ = find_databases(tmp_path, ["knowledge_graph*"])
    assert names == ("knowledge_graph_a.duckdb",)
