"""The steps in which a live SQLite database is copied."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from akosha_hook.snapshot import sqlite_child
from akosha_hook.snapshot.sqlite_child import ALL, STEP_PAGES, RestartedError, Steps, backup, main
from tests.support.sqlite_writer import make_sqlite, rows_in


@pytest.fixture(autouse=True)
def alarms(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The alarms that were set: a real one would end this process."""
    set_to: list[float] = []
    monkeypatch.setattr("signal.setitimer", lambda which, seconds: set_to.append(seconds))
    return set_to


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """Large enough for several steps."""
    return make_sqlite(tmp_path / "live.db", 400, 4000)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target.db").touch()
    return tmp_path / "target.db"


def test_a_database_that_nobody_writes_to_is_copied_in_small_steps(
    live: Path, target: Path, monkeypatch: pytest.MonkeyPatch, alarms: list[float]
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert backup(live, target, 60) == ("ok", "")
    assert rows_in(target) == 400
    pages = live.stat().st_size // 4096
    assert len(pauses) == pages // STEP_PAGES > 0
    assert min(pauses) >= sqlite_child.SHORTEST_PAUSE_SECONDS
    # Every step is watched over.
    assert alarms.count(sqlite_child.HOLD_SECONDS) >= len(pauses) + 1
    assert alarms[-1] == 0


def test_writes_between_the_steps_make_them_larger_until_one_takes_everything(
    live: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite3.connect(live)
    written: list[int] = []

    def write(_: float) -> None:
        connection.execute("INSERT INTO notes (text) VALUES ('meanwhile')")
        connection.commit()
        written.append(1)

    monkeypatch.setattr(time, "sleep", write)
    assert backup(live, target, 60) == ("ok", "")
    connection.close()
    assert written
    assert rows_in(target) == 400 + len(written)


def test_nothing_is_locked_between_steps(
    live: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = sqlite3.connect(live, timeout=0, isolation_level=None)
    locked: list[int] = []

    def lock(_: float) -> None:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
        locked.append(1)

    monkeypatch.setattr(time, "sleep", lock)
    assert backup(live, target, 60) == ("ok", "")
    connection.close()
    assert locked


def test_a_database_that_is_written_to_all_the_time_is_given_up_in_time(
    live: Path, target: Path
) -> None:
    assert backup(live, target, 0) == ("busy", "it is written to all the time")


@pytest.mark.parametrize(("seconds", "pages"), [(0.5, STEP_PAGES), (0.01, 8 * STEP_PAGES)])
def test_steps_do_not_become_longer_than_a_writer_can_wait(
    monkeypatch: pytest.MonkeyPatch, seconds: float, pages: int
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    steps = Steps(2000.0, hold=True)
    steps.begin()
    for left in (99_744, 99_488):
        now[0] += seconds
        steps.ended(sqlite3.SQLITE_OK, left, 100_000)
    now[0] += seconds
    with pytest.raises(RestartedError):
        steps.ended(sqlite3.SQLITE_OK, 99_744, 100_000)
    steps.grow()
    assert steps.pages == pages


def test_readers_of_a_wal_hold_up_nobody_and_take_everything_at_once() -> None:
    assert Steps(0.0, hold=False).pages == ALL


def test_a_locked_database_is_said_to_be(
    live: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_child, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    connection = sqlite3.connect(live)
    connection.execute("BEGIN EXCLUSIVE")
    assert backup(live, target, 0.2)[0] == "busy"
    connection.rollback()
    connection.close()


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_unreadable(live: Path, target: Path) -> None:
    live.chmod(0)
    assert main(["backup", str(live), str(target), "1"]) == ("unreadable", "Permission denied")


def test_why_sqlite_fails_is_told_by_its_code_and_never_in_its_words(
    live: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, outcome in ((11, "damaged"), (5, "busy"), (14, "unreadable"), (13, "full")):
        error = sqlite3.OperationalError("a secret memory")
        error.sqlite_errorcode = code

        def fail(*_: object, why: sqlite3.OperationalError = error) -> None:
            raise why

        monkeypatch.setattr(sqlite_child, "backup", fail)
        found = main(["backup", str(live), str(target), "1"])
        assert found[0] == outcome
        assert "secret" not in found[1]
