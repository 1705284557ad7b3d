"""SQLite databases: what proves a copy of them, and beside whom it is made."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from akosha_hook.errors import AkoshaHookError, Kind
from akosha_hook.snapshot import Snapshot, database, sqlite, sqlite_process, take
from akosha_hook.snapshot import copy as copying
from tests.support.sqlite_writer import SQLiteWriter, cut_off, leave_a_wal, make_sqlite, rows_in

NAME = "activity.db"
ROWS = 200


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    make_sqlite(directory / NAME, ROWS)
    return directory


def frozen(data: Path, tmp_path: Path, name: str = "frozen") -> Snapshot:
    return take(data, ("*",), tmp_path / name)


def restored_rows(taken: Snapshot, into: Path) -> int:
    """Rows in a copy of the copy, put together as its owner would find it."""
    shutil.copytree(taken.directory, into)
    return rows_in(into / NAME)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_database_at_rest_is_copied_byte_by_byte(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = frozen(data, tmp_path)
    [copy] = taken.databases
    assert copy.kind == "sqlite"
    assert copy.sidecars == ()
    assert copy.file.path.read_bytes() == (data / NAME).read_bytes()
    assert copy.file.fingerprint is not None
    assert caplog.text == ""
    assert sorted(each.name for each in taken.directory.iterdir()) == [NAME, "snapshot.json"]


def test_rows_that_only_the_wal_has_are_in_the_copy_and_neither_is_merged(
    data: Path, tmp_path: Path
) -> None:
    leave_a_wal(data / NAME)
    before = contents(data)
    taken = frozen(data, tmp_path)
    assert [each.name for each in taken.databases[0].files] == [NAME, f"{NAME}-wal"]
    assert contents(data) == before
    for each in taken.databases[0].files:
        assert each.path.read_bytes() == before[each.name]
    assert restored_rows(taken, tmp_path / "restored") == ROWS + 1


def test_a_change_that_was_cut_off_is_undone_by_whoever_opens_the_copy_and_not_by_us(
    data: Path, tmp_path: Path
) -> None:
    cut_off(data / NAME)
    before = contents(data)
    taken = frozen(data, tmp_path)
    assert [each.name for each in taken.databases[0].files] == [NAME, f"{NAME}-journal"]
    assert contents(data) == before
    for each in taken.databases[0].files:
        assert each.path.read_bytes() == before[each.name]
    assert restored_rows(taken, tmp_path / "restored") == ROWS
    with closing(sqlite3.connect(tmp_path / "restored" / NAME)) as connection:
        query = "SELECT count(*) FROM notes WHERE text LIKE 'never committed%'"
        assert connection.execute(query).fetchone() == (0,)


def test_a_sidecar_without_content_is_none(data: Path, tmp_path: Path) -> None:
    (data / f"{NAME}-journal").touch()
    assert frozen(data, tmp_path).databases[0].sidecars == ()


def test_the_sidecars_of_a_linked_database_lie_where_the_link_leads(
    data: Path, tmp_path: Path
) -> None:
    leave_a_wal(data / NAME)
    (tmp_path / "elsewhere").mkdir()
    for suffix in ("", "-wal"):
        (data / f"{NAME}{suffix}").rename(tmp_path / "elsewhere" / f"other{suffix}")
    (data / f"{NAME}-shm").unlink()
    (data / NAME).symlink_to(tmp_path / "elsewhere" / "other")
    taken = frozen(data, tmp_path)
    assert [each.name for each in taken.databases[0].files] == [NAME, f"{NAME}-wal"]
    assert restored_rows(taken, tmp_path / "restored") == ROWS + 1


@pytest.mark.parametrize("member", [NAME, f"{NAME}-wal"])
def test_a_copy_during_which_any_file_was_overwritten_is_not_taken(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    """A checkpoint does that to a `-wal`, of whose beginning the copy may have the old bytes."""
    leave_a_wal(data / NAME)
    real = copying.copy_and_hash

    def disturbed(source: Path, target: Path, size: int, **options: Any) -> copying.Copied:
        copied = real(source, target, size, **options)
        live = data / member
        with live.open("r+b") as file:
            file.write(live.read_bytes()[:16])
        return copied

    monkeypatch.setattr(database, "copy_and_hash", disturbed)
    monkeypatch.setattr(database, "RETRY_SECONDS", 0)
    instead = sqlite_process.Found("busy", "it is written to all the time")
    monkeypatch.setattr(sqlite_process, "backup", lambda *_: instead)
    [skipped] = frozen(data, tmp_path).skipped
    assert skipped.reason == "busy"
    assert skipped.message.endswith("while it was being copied: it is written to all the time")


@pytest.mark.parametrize(
    ("mode", "snapshots"), [("delete", 10), ("wal", 10), ("truncate", 2), ("persist", 2)]
)
def test_a_writer_that_never_pauses_never_fails_and_every_row_from_before_is_in_the_copy(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, snapshots: int
) -> None:
    monkeypatch.setattr(sqlite, "settle_seconds", 0.1)
    taken = 0
    with SQLiteWriter(data / NAME, mode) as writer:
        for number in range(snapshots):
            before = writer.acknowledged()
            copy = frozen(data, tmp_path, f"frozen-{number}")
            if not copy.databases:
                assert [each.reason for each in copy.skipped] == ["busy"]
                continue
            assert restored_rows(copy, tmp_path / f"restored-{number}") >= ROWS + before
            taken += 1
            files = {"", "-wal", "-shm", "-journal"}
            assert {path.name.removeprefix(NAME) for path in data.iterdir()} <= files
    assert taken
    assert rows_in(data / NAME) >= ROWS


def test_a_copy_that_sqlite_makes_proves_nothing_by_its_stat(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "attempts", 0)
    [copy] = frozen(data, tmp_path).databases
    assert copy.kind == "sqlite"
    assert [each.fingerprint for each in copy.files] == [None]
    assert copy.file.path.stat().st_mode & 0o777 == 0o600
    assert rows_in(copy.file.path) == ROWS
    assert [path.name for path in data.iterdir()] == [NAME]


def test_a_hot_journal_is_never_recovered_in_place(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(data / NAME)
    before = contents(data)
    monkeypatch.setattr(sqlite, "attempts", 0)
    [skipped] = frozen(data, tmp_path).skipped
    assert skipped.reason == "busy"
    assert "has to be undone by its owner" in skipped.message
    assert contents(data) == before


def test_a_wal_that_its_owner_left_is_not_opened(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening it would leave a `-shm` beside it."""
    leave_a_wal(data / NAME)
    (data / f"{NAME}-shm").unlink()
    before = contents(data)
    monkeypatch.setattr(sqlite, "attempts", 0)
    [skipped] = frozen(data, tmp_path).skipped
    assert skipped.reason == "busy"
    assert contents(data) == before


def damaged(data: Path) -> None:
    size = (data / NAME).stat().st_size
    os.truncate(data / NAME, size // 2)


def only_a_head(data: Path) -> None:
    (data / NAME).write_bytes(b"SQLite format 3\0")


def journal_of_another(data: Path) -> None:
    donor = make_sqlite(data.parent / "donor.db", 2000)
    cut_off(donor)
    shutil.copy(f"{donor}-journal", data / f"{NAME}-journal")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damaged, f"{NAME} is damaged: SQLite cannot read it"),
        (only_a_head, f"{NAME} is damaged: SQLite cannot read it"),
        (journal_of_another, f"{NAME} is damaged: SQLite cannot read it with its rollback journal"),
    ],
)
def test_a_damaged_database_is_named_and_the_others_go(
    data: Path, tmp_path: Path, harm: Any, message: str
) -> None:
    make_sqlite(data / "other.db")
    harm(data)
    before = contents(data)
    taken = frozen(data, tmp_path)
    assert [(each.reason, each.message) for each in taken.skipped] == [("damaged", message)]
    assert [each.name for each in taken.databases] == ["other.db"]
    assert contents(data) == before


def test_values_that_break_a_constraint_are_no_damage(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / NAME)) as connection:
        connection.execute("INSERT INTO notes (text) VALUES (NULL)")
        connection.execute("PRAGMA writable_schema = ON")
        sql = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (text = 'x'))"
        connection.execute("UPDATE sqlite_schema SET sql = ?", (sql,))
        connection.commit()
    with closing(sqlite3.connect(data / NAME)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]
    assert frozen(data, tmp_path).skipped == ()


def test_a_change_to_several_databases_at_once_is_waited_for(data: Path, tmp_path: Path) -> None:
    """Its journal counts only while a file exists that no copy has."""
    cut_off(data / NAME)
    journal = data / f"{NAME}-journal"
    deciding = str(data / "activity.db-mj0123").encode()
    with journal.open("ab") as file:
        file.write(deciding + sqlite._NAME_END.pack(len(deciding), 0, sqlite.JOURNAL_MAGIC))
    (data / "activity.db-mj0123").touch()
    [skipped] = frozen(data, tmp_path).skipped
    assert (skipped.reason, "several databases" in skipped.message) == ("busy", True)
    (data / "activity.db-mj0123").unlink()
    assert frozen(data, tmp_path, "later").skipped == ()


def test_a_full_disk_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_process, "check", lambda copy: sqlite_process.Found("full", "why"))
    with pytest.raises(AkoshaHookError) as caught:
        frozen(data, tmp_path)
    assert caught.value.kind is Kind.FULL


def test_what_is_known_by_stat_is_not_read_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_a_wal(data / NAME)
    [copy] = frozen(data, tmp_path).databases
    known = {each.name: each.fingerprint for each in copy.files if each.fingerprint}
    # An index into the `-wal` that readers write to, too.
    (data / f"{NAME}-shm").write_bytes(b"other")
    monkeypatch.setattr(database, "copy_and_hash", None)
    again = take(data, ("*",), tmp_path / "again", known=known)
    assert (again.unchanged, again.databases) == ((NAME,), ())


def test_a_database_that_lies_ahead_of_the_clock_is_proved_at_rest(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_a_wal(data / NAME)
    ahead = (data / NAME).stat().st_mtime + 3600
    os.utime(data / f"{NAME}-wal", (ahead, ahead))
    monkeypatch.setattr("akosha_hook.snapshot.ahead.wait_for_rest", lambda: None)
    taken = frozen(data, tmp_path)
    assert restored_rows(taken, tmp_path / "restored") == ROWS + 1
    assert taken.databases[0].kind == "sqlite"
    assert [each.fingerprint for each in taken.databases[0].files] == [None, None]


def test_fifty_databases_are_all_taken(data: Path, tmp_path: Path) -> None:
    for number in range(50):
        make_sqlite(data / f"many-{number:02}.db", 1)
    taken = frozen(data, tmp_path)
    assert len(taken.databases) == 51
    assert taken.skipped == ()
