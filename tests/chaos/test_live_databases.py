"""Databases that are in use: what a sync calls stored can be restored, and the owner never notices."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.state.receipt import Receipt
from tests.chaos.support import Patient
from tests.support.duck import conversations_in
from tests.support.passing import passing_time
from tests.support.writer import Writer, killed_in_checkpoint

ROWS = 50


@pytest.fixture
def alive(patient: Patient) -> Patient:
    patient.paths.data.mkdir(parents=True)
    make_reflection_database(patient.database, conversations=ROWS)
    return patient


def rows_of(patient: Patient, paper: Receipt | None, into: Path) -> int:
    """Restore an upload without any code of ours, scan every value, and count the rows."""
    assert paper is not None
    into.mkdir()
    manifest = next(
        each for each in patient.manifests() if each["metadata"]["upload_id"] == paper.upload_id
    )
    for name, content in patient.files_of(manifest).items():
        (into / name).write_bytes(content)
    with duckdb.connect(str(into / patient.database.name)) as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            columns = connection.execute(f'DESCRIBE "{table}"').fetchall()
            hashes = ", ".join(f'bit_xor(hash("{column[0]}"))' for column in columns)
            connection.execute(f'SELECT {hashes} FROM "{table}"').fetchall()
    return conversations_in(into / patient.database.name)


def test_a_writer_that_never_pauses_is_copied_whole_and_never_fails(
    alive: Patient, tmp_path: Path
) -> None:
    """It inserts row by row and checkpoints every fifty."""
    restored = 0
    with Writer(alive.database) as writer:
        writer.start_inserting()
        for number in range(3):
            committed = writer.acknowledged()
            outcome = alive.sync()
            if outcome.state == "busy":
                # A database that never holds still is said to be busy, and tried again later.
                assert outcome.pending
                continue
            assert outcome.success, outcome.error
            found = rows_of(alive, outcome.receipt, tmp_path / str(number))
            assert found >= ROWS + committed
            restored += 1
        assert writer.acknowledged() > 0
        assert writer.stop_inserting() == []
        writer.insert(1)
    outcome = alive.sync()
    final = conversations_in(alive.database)
    paper = outcome.receipt or alive.receipts()[0]
    assert rows_of(alive, paper, tmp_path / "final") == final


def test_rows_that_only_the_wal_holds_are_restored_with_it(alive: Patient, tmp_path: Path) -> None:
    with Writer(alive.database) as writer:
        writer.insert(30)
        outcome = alive.sync()
        assert "reflection.duckdb.wal" in alive.stored()
        assert rows_of(alive, outcome.receipt, tmp_path / "a") == ROWS + 30
        writer.checkpoint()
        writer.insert(1)


def test_a_writer_killed_in_mid_checkpoint_is_stored_with_every_sidecar(
    alive: Patient, tmp_path: Path
) -> None:
    committed = killed_in_checkpoint(alive.database, tmp_path / "committed")
    left = {path.name for path in alive.paths.data.iterdir()}
    outcome = alive.sync()
    assert outcome.success
    assert set(alive.stored()) == left
    assert rows_of(alive, outcome.receipt, tmp_path / "a") >= committed


def test_a_session_that_lets_go_after_its_end_is_waited_for(
    alive: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Session-Buddy checkpoints when it closes: the WAL need not be copied then."""
    passing = passing_time(monkeypatch, "akosha_hook.snapshot.owner")
    with Writer(alive.database) as writer:
        writer.insert(20)
        passing.meanwhile.append(writer.close)
        alive.happen("session-end")
        alive.drain()
        assert passing.meanwhile == []
    assert list(alive.stored()) == ["reflection.duckdb"]
    assert rows_of(alive, alive.receipts()[0], tmp_path / "a") == ROWS + 20
    assert alive.events() == []


def test_a_session_that_never_lets_go_is_stored_all_the_same(
    alive: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.snapshot.owner")
    with Writer(alive.database) as writer:
        writer.insert(20)
        alive.happen("session-end")
        alive.drain()
        writer.insert(1)
    assert 8 < sum(passing.slept) <= 10.2
    assert alive.events() == []
    assert rows_of(alive, alive.receipts()[0], tmp_path / "a") == ROWS + 20


def test_an_owner_can_open_and_close_its_database_while_we_sync(alive: Patient) -> None:
    """Our lock would make its open fail; ours is never taken."""
    failures: list[str] = []
    done = threading.Event()

    def keep_syncing() -> None:
        try:
            while not done.is_set():
                alive.sync(full=True)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(repr(error))

    syncing = threading.Thread(target=keep_syncing)
    syncing.start()
    try:
        for _ in range(3):
            with Writer(alive.database) as writer:
                writer.insert(5)
                writer.checkpoint()
    finally:
        done.set()
        syncing.join()
    assert failures == []
    assert conversations_in(alive.database) == ROWS + 15


def test_a_database_that_is_torn_or_gone_does_not_hold_up_the_others(alive: Patient) -> None:
    other = alive.paths.data / "knowledge_graph.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE t (i INTEGER)")
    alive.database.write_bytes(b"torn")
    outcome = alive.sync()
    assert not outcome.success
    assert list(alive.stored()) == [other.name]
    alive.database.unlink()
    add = duckdb.connect(str(other))
    add.execute("INSERT INTO t VALUES (1)")
    add.close()
    assert alive.sync().state == "uploaded"
    assert list(alive.stored()) == [other.name]
