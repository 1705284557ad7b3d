"""Triggers and views of a SQLite database are told from what only holds data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from akosha_hook import sqlite_reader
from akosha_hook.sqlite_reader.carried import MAX, MAX_NAME, carried
from tests.support import sqlite_files

SECONDS = 60.0
DATA = """
    CREATE TABLE IF NOT EXISTS "view of" (id INTEGER PRIMARY KEY AUTOINCREMENT, trigger_name TEXT UNIQUE);
    CREATE UNIQUE INDEX i ON "view of" (trigger_name) WHERE trigger_name IS NOT NULL;
    create table without_rowid (a PRIMARY KEY, b AS (a || 'x') STORED, CHECK (a <> '')) WITHOUT ROWID;
    CREATE INDEX j ON without_rowid (lower(b));
    CREATE VIRTUAL TABLE search USING fts5 (body);
"""


def _carried(*statements: str) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(DATA)
        for each in statements:
            connection.execute(each)
        return list(carried(connection))


def test_tables_indexes_and_full_text_search_are_data() -> None:
    assert _carried() == []


def test_triggers_and_views_are_named() -> None:
    assert _carried(
        "CREATE VIEW IF NOT EXISTS seen AS SELECT 1",
        "create trigger spy AFTER INSERT ON without_rowid BEGIN SELECT 1; END",
    ) == [("view", "seen"), ("trigger", "spy")]


def test_what_the_statement_says_counts_and_not_what_it_is_called() -> None:
    hidden = "UPDATE sqlite_master SET type = 'table' WHERE type IN ('view', 'trigger')"
    assert _carried(
        "CREATE VIEW seen AS SELECT 1",
        "CREATE TRIGGER spy AFTER INSERT ON without_rowid BEGIN SELECT 1; END",
        "PRAGMA writable_schema = ON",
        hidden,
    ) == [("view", "seen"), ("trigger", "spy")]


def test_many_of_them_and_long_names_are_bounded() -> None:
    views = [f'CREATE VIEW "{"v" * 200}{number}" AS SELECT 1' for number in range(MAX + 5)]
    found = _carried(*views)
    assert len(found) == MAX
    assert max(len(name) for _, name in found) == MAX_NAME + 1


def test_they_are_said_by_the_child(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / "copy.db")
    sqlite_files.execute(database, "CREATE VIEW seen AS SELECT * FROM nowhere")
    found = sqlite_reader.inspect(database, timeout_seconds=SECONDS)
    assert found == (None, ("the view seen",))
