"""What is read of a copy: rows, counts, damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.demo.databases import make_graph_database
from akosha_hook.duckdb_reader import (
    Key,
    NotCheckedError,
    ReadError,
    Row,
    Table,
    check,
    conversation_count,
    read,
)
from akosha_hook.errors import Kind
from tests.duckdb_reader.conftest import SECONDS, everything, rows_of
from tests.support.duckdb_files import (
    contents,
    crash_after,
    crash_in_checkpoint,
    make,
    make_too_new,
)

V2 = "CREATE TABLE conversations_v2 (id VARCHAR PRIMARY KEY, content VARCHAR, embedding FLOAT[384])"
LEGACY = "CREATE TABLE conversations (id VARCHAR, content VARCHAR, created_at TIMESTAMP)"


def test_conversations_are_counted(database: Path) -> None:
    assert conversation_count(database, timeout_seconds=SECONDS) == 30


def test_rows_in_the_wal_are_counted_and_no_file_is_touched(database: Path) -> None:
    crash_after(database, "INSERT INTO conversations_v2 (id, content) VALUES ('late', 'text')")
    before = contents(database.parent)
    assert "reflection.duckdb.wal" in before
    assert conversation_count(database, timeout_seconds=SECONDS) == 31
    assert check(database, timeout_seconds=SECONDS) is None
    assert contents(database.parent) == before


def test_a_copy_made_after_a_crash_in_a_checkpoint_is_read_completely(tmp_path: Path) -> None:
    database, acknowledged = crash_in_checkpoint(tmp_path)
    before = contents(database.parent)
    counted = conversation_count(database, timeout_seconds=SECONDS)
    assert counted is not None
    assert counted >= acknowledged
    assert contents(database.parent) == before


def test_a_conversation_in_the_old_and_the_new_table_counts_once(tmp_path: Path) -> None:
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        LEGACY,
        "INSERT INTO conversations_v2 (id, content) VALUES ('a', 'x'), ('b', 'x')",
        "INSERT INTO conversations (id, content) VALUES ('b', 'x'), ('c', 'x')",
    )
    assert conversation_count(path, timeout_seconds=SECONDS) == 3


def test_a_conversation_that_a_migration_gave_another_id_counts_once(tmp_path: Path) -> None:
    path = make(
        tmp_path / "reflection.duckdb",
        "CREATE TABLE conversations_v2 (id VARCHAR, content VARCHAR, timestamp TIMESTAMP)",
        "CREATE TABLE conversations_legacy (id VARCHAR, content VARCHAR, timestamp TIMESTAMP)",
        LEGACY,
        "INSERT INTO conversations_v2 VALUES ('a', 'x', '2026-01-01'), ('b', 'y', '2026-01-02')",
        "INSERT INTO conversations VALUES ('1', 'x', '2026-01-01'), ('2', 'y', '2026-01-02'), "
        "('3', 'x', '2026-01-03'), ('b', 'edited', '2026-01-04')",
        "INSERT INTO conversations_legacy VALUES ('old', 'x', '2026-01-03'), "
        "('older', 'only here', NULL), ('oldest', 'only here', NULL)",
    )
    assert conversation_count(path, timeout_seconds=SECONDS) == 5


def test_a_knowledge_graph_has_no_conversations(tmp_path: Path) -> None:
    make_graph_database(tmp_path / "knowledge_graph.duckdb", entities=3)
    path = tmp_path / "knowledge_graph.duckdb"
    assert conversation_count(path, timeout_seconds=SECONDS) == 0
    messages = list(read(path, everything, timeout_seconds=SECONDS))
    assert messages == [Table("kg_entities", "graph", 3)]


def test_the_count_of_a_database_that_cannot_be_read_is_none(
    database: Path, tmp_path: Path
) -> None:
    make_too_new(database)
    assert conversation_count(database, timeout_seconds=SECONDS) is None
    assert conversation_count(tmp_path / "missing.duckdb", timeout_seconds=SECONDS) is None


def test_a_copy_that_is_too_new_for_duckdb_is_not_checked(database: Path) -> None:
    make_too_new(database)
    with pytest.raises(NotCheckedError, match="version number") as caught:
        check(database, timeout_seconds=SECONDS)
    assert "pip install" in caught.value.hint


def test_damage_is_found_and_described(database: Path) -> None:
    data = bytearray(database.read_bytes())
    for block in range(12_288, len(data), 262_144):
        data[block + 100] ^= 0xFF
    database.write_bytes(data)
    problem = check(database, timeout_seconds=SECONDS)
    assert problem is not None
    assert "orrupt" in problem
    with pytest.raises(ReadError) as caught:
        rows_of(database)
    assert caught.value.kind is Kind.DAMAGED


def test_only_the_selected_rows_are_sent(database: Path) -> None:
    def select(table: Table, keys: list[Key]) -> list[int]:
        return [key.rowid for key in keys if key.id in {"conversation-7", "reflection-3"}]

    messages = list(read(database, select, timeout_seconds=SECONDS))
    assert [each for each in messages if isinstance(each, Table)] == [
        Table("conversations_v2", "conversation", 30),
        Table("reflections_v2", "reflection", 5),
    ]
    selected = [each for each in messages if isinstance(each, Row)]
    assert len(selected) == 2
    assert selected[0].columns["session_id"] == "session-0"
    assert selected[1].columns["tags"] == ["demo", "lesson"]
