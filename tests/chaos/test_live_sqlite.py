"""SQLite databases: in use, damaged and many; what a sync calls stored can be restored."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from akosha_hook.settings import Settings
from akosha_hook.state.receipt import Receipt
from tests.support.faulty_home import FaultyHome
from tests.support.sqlite_writer import (
    SQLiteWriter,
    cut_off,
    leave_a_wal,
    make_sqlite,
    rows_in,
)

NAME = "activity.db"
ROWS = 200


@pytest.fixture
def alive(faulty_home: FaultyHome) -> FaultyHome:
    faulty_home.paths.data.mkdir(parents=True)
    make_sqlite(faulty_home.paths.data / NAME, ROWS)
    return faulty_home


def rows_of(alive: FaultyHome, receipt: Receipt | None, into: Path) -> int:
    """Restore an upload without any code of ours, and count the rows."""
    assert receipt is not None
    into.mkdir()
    manifest = next(
        each for each in alive.manifests() if each["metadata"]["upload_id"] == receipt.upload_id
    )
    for name, content in alive.files_of(manifest).items():
        (into / name).write_bytes(content)
    return rows_in(into / NAME)


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_writer_that_never_pauses_never_fails_and_is_stored(
    alive: FaultyHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("akosha_hook.snapshot.sqlite.settle_seconds", 0.1)
    with SQLiteWriter(alive.paths.data / NAME, mode) as writer:
        for number in range(2):
            before = writer.acknowledged()
            outcome = alive.sync()
            if outcome.state == "busy":
                assert outcome.pending
                continue
            assert outcome.success, outcome.error
            assert rows_of(alive, outcome.receipt, tmp_path / str(number)) >= ROWS + before
    alive.sync()
    assert rows_of(alive, alive.receipts()[0], tmp_path / "final") == rows_in(
        alive.paths.data / NAME
    )


def test_the_sidecars_go_with_their_database(alive: FaultyHome, tmp_path: Path) -> None:
    leave_a_wal(alive.paths.data / NAME)
    cut_off(make_sqlite(alive.paths.data / "second.db"))
    outcome = alive.sync()
    assert set(alive.stored()) == {NAME, f"{NAME}-wal", "second.db", "second.db-journal"}
    assert rows_of(alive, outcome.receipt, tmp_path / "a") == ROWS + 1
    assert rows_in(tmp_path / "a" / "second.db") == 200


def test_ten_rows_cost_what_changed_and_nothing_costs_nothing(alive: FaultyHome) -> None:
    alive.configure(akosha_enable_delta=True, akosha_enable_compression=True)
    path = make_sqlite(alive.paths.data / NAME.replace("activity", "large"), 8000, 600)
    whole = alive.sync()
    assert whole.receipt is not None
    assert alive.sync().state == "unchanged"
    with closing(sqlite3.connect(path)) as connection:
        for number in range(10):
            connection.execute("UPDATE notes SET text = 'new' WHERE id = ?", (number * 700 + 1,))
        connection.commit()
    again = alive.sync()
    assert again.receipt is not None
    assert [Path(each).name for each in again.receipt.files_uploaded] == [f"{path.name}.delta"]
    assert again.receipt.bytes_transferred <= 0.15 * whole.receipt.bytes_transferred
    assert alive.stored()[path.name] == path.read_bytes()


def test_each_bad_file_is_one_line_and_the_rest_is_stored(alive: FaultyHome) -> None:
    data = alive.paths.data
    os.truncate(make_sqlite(data / "half.db", 2000), 100_000)
    (data / "empty.db").touch()
    (data / "sealed.db").write_bytes(os.urandom(8192))
    (data / "notes.txt").write_text("text")
    os.mkfifo(data / "pipe.db")
    for number in range(10):
        make_sqlite(data / f"many-{number:02}.db", 1)
    outcome = alive.sync()
    assert outcome.receipt is not None
    assert outcome.receipt.success
    assert len(alive.stored()) == 11
    assert {each.name: each.reason for each in outcome.skipped} == {
        "half.db": "damaged",
        "empty.db": "empty",
        "sealed.db": "not-a-database",
    }
    assert outcome.error == "Not backed up: half.db is damaged: SQLite cannot read it."
    assert [each.name for each in outcome.missed] == ["empty.db", "sealed.db"]


def test_what_was_stored_once_is_missed_when_it_is_no_database_any_more(alive: FaultyHome) -> None:
    alive.sync()
    (alive.paths.data / NAME).write_bytes(b"")
    outcome = alive.sync()
    assert not outcome.success
    assert [each.reason for each in outcome.lost_files] == ["empty"]
    assert f"restore --file {NAME}" in outcome.hint


def test_a_home_that_stored_only_duckdb_gets_everything_at_its_next_sync(
    alive: FaultyHome,
) -> None:
    """As after an upgrade from 0.1.0, whose receipts name nothing else."""
    alive.write()
    alive.configure(akosha_databases=["reflection.duckdb", "knowledge_graph*.duckdb"])
    assert alive.sync().success
    assert set(alive.stored()) == {"reflection.duckdb"}
    alive.configure(akosha_databases=list(Settings().akosha_databases))
    outcome = alive.sync()
    assert outcome.receipt is not None
    assert [Path(each).name for each in outcome.receipt.files_uploaded] == [NAME]
    assert outcome.receipt.files_unchanged == ("reflection.duckdb",)
    assert set(alive.stored()) == {"reflection.duckdb", NAME}
