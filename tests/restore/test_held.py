"""Which process has a database open, by its locks and by its open files."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from akosha_hook.restore import held
from tests.support import sqlite_files
from tests.support.duck import make_databases
from tests.support.writer import Writer


@pytest.mark.skipif(sys.platform != "linux", reason="macOS shows open files to lsof only")
def test_a_sqlite_database_that_is_open_without_a_lock(
    tmp_path: Path, holding: Callable[[Path], int]
) -> None:
    database = sqlite_files.make(tmp_path / "a.db")
    assert held.holder(database) is None
    link = tmp_path / "link.db"
    link.symlink_to(database)
    pid = holding(link)
    assert held.holder(database) == held.holder(link) == pid


def test_a_sqlite_database_in_wal_mode_is_locked_while_it_is_open(
    tmp_path: Path, holding: Callable[[Path], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sqlite_files.make(tmp_path / "a.db")
    sqlite_files.execute(database, "PRAGMA journal_mode = WAL")
    pid = holding(database)
    monkeypatch.setattr(held, "PROCESSES", tmp_path / "missing")
    assert held.holder(database) == pid


def test_this_process_is_not_meant(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / "a.db")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT count(*) FROM reminders").fetchall()
        assert held.holder(database) is None


def test_a_duckdb_database_by_its_lock(tmp_path: Path) -> None:
    make_databases(tmp_path, conversations=1)
    database = tmp_path / "reflection.duckdb"
    with Writer(database) as writer:
        assert held.holder(database) == writer.pid
    assert held.holder(database) is None
