"""Looking into a copy of a SQLite database: what is found, and that nothing of it changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from akosha_hook import sqlite_reader
from akosha_hook.duckdb_reader import NotCheckedError
from akosha_hook.errors import Kind
from tests.support import sqlite_files
from tests.support.recovery import contents

SECONDS = 60.0
SECRET = "the secret of row 17"


@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (sqlite_files.make, 100),
        (sqlite_files.make_with_wal, 100),
        (sqlite_files.make_with_hot_journal, 3000),
    ],
)
def test_a_whole_one_has_no_problem_and_is_not_touched(
    tmp_path: Path, make: Callable[[Path], Path], rows: int
) -> None:
    database = make(tmp_path / "copy.db")
    database.with_name("copy.db-shm").unlink(missing_ok=True)
    before = contents(tmp_path)
    assert sqlite_reader.inspect(database, timeout_seconds=SECONDS) == (None, ())
    assert sqlite_reader.row_count(database, timeout_seconds=SECONDS) == rows
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".reading-*"))


def test_what_is_only_in_the_log_is_looked_at_too(tmp_path: Path) -> None:
    database = sqlite_files.make_with_wal(tmp_path / "copy.db", rows=5)
    assert sqlite_reader.row_count(database, timeout_seconds=SECONDS) == 5
    database.with_name("copy.db-wal").unlink()
    assert sqlite_reader.row_count(database, timeout_seconds=SECONDS) == 4


def test_a_change_that_was_cut_off_is_damage_without_its_journal(tmp_path: Path) -> None:
    """With it, it is undone: the pages that were written are of another moment than the rest."""
    database = sqlite_files.make_with_hot_journal(tmp_path / "copy.db")
    assert sqlite_reader.inspect(database, timeout_seconds=SECONDS).problem is None
    database.with_name("copy.db-journal").unlink()
    assert sqlite_reader.inspect(database, timeout_seconds=SECONDS).problem


def _cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _scrambled(data: bytes) -> bytes:
    """As one that is encrypted under SQLite's own first bytes."""
    return data[:16] + bytes(each ^ 0xA5 for each in data[16:])


def _one_page_of_another(data: bytes) -> bytes:
    return data[:4096] + data[8192:12288] + data[8192:]


@pytest.mark.parametrize("harm", [_cut_in_half, _scrambled, _one_page_of_another])
def test_damage_is_found_and_no_row_is_quoted(
    tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    database = sqlite_files.make(tmp_path / "copy.db", rows=1000)
    sqlite_files.execute(database, f"UPDATE reminders SET body = '{SECRET}' || id")
    database.write_bytes(harm(database.read_bytes()))
    found = sqlite_reader.inspect(database, timeout_seconds=SECONDS)
    assert found.problem
    assert SECRET not in found.problem
    assert "\n" not in found.problem
    assert len(found.problem) < 300


def test_an_index_that_does_not_fit_its_table_is_damage(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / "copy.db", rows=3)
    sqlite_files.execute(
        database,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE INDEX by_body ON reminders (id)' "
        "WHERE name = 'by_body'",
    )
    problem = sqlite_reader.inspect(database, timeout_seconds=SECONDS).problem
    assert problem is not None
    assert "by_body" in problem


def test_rows_that_break_a_constraint_are_no_damage(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / "copy.db", rows=3)
    sqlite_files.execute(
        database,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE TABLE reminders (id INTEGER PRIMARY KEY, "
        "body TEXT NOT NULL CHECK (length(body) > 100))' WHERE name = 'reminders'",
    )
    assert sqlite_reader.inspect(database, timeout_seconds=SECONDS) == (None, ())


def _of_a_newer_format(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[18:20] = b"\3\3"
    database.write_bytes(data)


def _with_a_newer_statement(database: Path) -> None:
    sqlite_files.execute(
        database,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = 'CREATE TABLE reminders (id INTEGER PRIMARY KEY, "
        "body TEXT NOT NULL) OF THE FUTURE' WHERE name = 'reminders'",
    )
    data = bytearray(database.read_bytes())
    data[96:100] = (9_000_000).to_bytes(4, "big")
    database.write_bytes(data)


@pytest.mark.parametrize("change", [_of_a_newer_format, _with_a_newer_statement])
def test_one_of_a_newer_sqlite_is_not_checked_which_is_no_damage(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    database = sqlite_files.make(tmp_path / "copy.db")
    change(database)
    with pytest.raises(NotCheckedError) as caught:
        sqlite_reader.inspect(database, timeout_seconds=SECONDS)
    assert caught.value.kind is Kind.TOO_NEW
    assert "duckdb" not in caught.value.hint
    assert sqlite_reader.row_count(database, timeout_seconds=SECONDS) is None


def test_a_journal_over_several_databases_is_not_followed(tmp_path: Path) -> None:
    """It names a file that SQLite would read and delete, and whoever wrote it chose which."""
    database = sqlite_files.make_with_hot_journal(tmp_path / "copy.db")
    victim = tmp_path / "victim"
    victim.write_bytes(b"a user's own")
    sqlite_files.name_super_journal(database, victim)
    with pytest.raises(NotCheckedError, match="delete the file that it names") as caught:
        sqlite_reader.inspect(database, timeout_seconds=SECONDS)
    assert caught.value.kind is Kind.FAILED
    assert victim.read_bytes() == b"a user's own"


def test_that_file_would_indeed_be_deleted(tmp_path: Path) -> None:
    """Else the test before this one proves nothing."""
    database = sqlite_files.make_with_hot_journal(tmp_path / "copy.db")
    victim = tmp_path / "victim"
    victim.write_bytes(b"a user's own")
    sqlite_files.name_super_journal(database, victim)
    sqlite_files.dump(database)
    assert not victim.exists()


def test_the_time_is_limited(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / "copy.db")
    with pytest.raises(NotCheckedError) as caught:
        sqlite_reader.inspect(database, timeout_seconds=0.0)
    assert caught.value.kind is Kind.TIMED_OUT
