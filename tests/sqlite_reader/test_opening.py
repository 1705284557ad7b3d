"""How a copy is opened: what SQLite would write, it writes elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from akosha_hook.sqlite_reader import opening
from tests.support import sqlite_files


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    directory = tmp_path / "scratch"
    directory.mkdir()
    return directory


def test_a_closed_one_is_opened_where_it_is(tmp_path: Path, scratch: Path) -> None:
    database = sqlite_files.make(tmp_path / "a ?#%20.db")
    with closing(opening.open_copy(database, scratch)) as connection:
        assert connection.execute("SELECT count(*) FROM reminders").fetchone() == (100,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM reminders")
    assert not list(scratch.iterdir())


def test_a_journal_that_has_ended_is_none(tmp_path: Path, scratch: Path) -> None:
    """`PRAGMA journal_mode = PERSIST` clears its header, `TRUNCATE` all of it."""
    database = sqlite_files.make(tmp_path / "a.db")
    sqlite_files.execute(
        database, "PRAGMA journal_mode = PERSIST", "DELETE FROM reminders WHERE id = 1"
    )
    journal = tmp_path / "a.db-journal"
    assert journal.stat().st_size
    assert not opening.is_hot(journal)
    opening.open_copy(database, scratch).close()
    assert not list(scratch.iterdir())
    assert not opening.is_hot(tmp_path / "missing")


def test_links_are_copied_where_there_are_none(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("akosha_hook.sqlite_reader.opening.os.link", refuse)
    database = sqlite_files.make_with_wal(tmp_path / "a.db", rows=7)
    with closing(opening.open_copy(database, scratch)) as connection:
        assert connection.execute("SELECT count(*) FROM reminders").fetchone() == (7,)


def test_nothing_of_the_schema_is_trusted(tmp_path: Path, scratch: Path) -> None:
    with closing(opening.open_copy(sqlite_files.make(tmp_path / "a.db"), scratch)) as connection:
        for name, value in (("trusted_schema", 0), ("cell_size_check", 1)):
            assert connection.execute(f"PRAGMA {name}").fetchone() == (value,)
        assert connection.execute("PRAGMA hard_heap_limit").fetchone() == (opening.HEAP_BYTES,)
        with pytest.raises(sqlite3.OperationalError, match="not authorized"):
            connection.execute("SELECT load_extension('x')")
