"""Databases whose timestamps lie ahead of the clock: proved at rest, and never torn."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from akosha_hook.snapshot import Fingerprint, Snapshot, ahead, take
from akosha_hook.snapshot import duckdb as members_of
from tests.support.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATTERNS = ("reflection.duckdb", "knowledge_graph*.duckdb")
NAMES = ["reflection.duckdb", "knowledge_graph.duckdb"]
DAY = 86_400


def set_ahead(path: Path, seconds: float = 3 * DAY + 60) -> None:
    when = time.time() + seconds
    os.utime(path, (when, when))


@pytest.fixture
def future(data: Path) -> Path:
    """Every file is ahead, as after a clock was set back by days."""
    for path in data.iterdir():
        set_ahead(path)
    return data


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens while a copy's files should be at rest; the list's length is what is left of it.

    Nothing else may sleep.
    """
    happenings: list[Callable[[], object]] = []

    def rest() -> None:
        if happenings:
            happenings.pop(0)()

    def asleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(ahead, "wait_for_rest", rest)
    monkeypatch.setattr(time, "sleep", asleep)
    return happenings


def frozen(data: Path, tmp_path: Path, name: str = "frozen") -> Snapshot:
    return take(data, PATTERNS, tmp_path / name)


def rewritten(path: Path) -> Callable[[], None]:
    """A write after which the timestamp is put ahead again."""

    def write() -> None:
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        set_ahead(path)

    return write


def test_a_directory_that_is_all_ahead_takes_one_wait(
    future: Path, tmp_path: Path, rests: list[Callable[[], object]]
) -> None:
    waits: list[int] = []
    rests += [lambda: waits.append(1)] * 3
    taken = frozen(future, tmp_path)
    assert [each.name for each in taken.databases] == NAMES
    assert waits == [1]
    for database in taken.databases:
        assert database.file.path.read_bytes() == (future / database.name).read_bytes()
        # Its stat must not pass for a proof later.
        assert database.file.fingerprint is None
        assert database.file.blocks


def test_a_file_that_moves_is_looked_at_again_and_then_named_with_the_real_reason(
    future: Path, tmp_path: Path, rests: list[Callable[[], object]]
) -> None:
    rests += [rewritten(future / NAMES[0])] * ahead.ATTEMPTS
    taken = frozen(future, tmp_path)
    assert rests == []
    assert [each.name for each in taken.databases] == NAMES[1:]
    (skipped,) = taken.skipped
    assert skipped.reason == "busy"
    assert skipped.message == (
        "reflection.duckdb kept changing while it was being copied, and its timestamp lies 3 days "
        "ahead of this machine's clock"
    )


def test_a_file_that_moved_once_is_taken_as_it_is_afterwards(
    future: Path, tmp_path: Path, rests: list[Callable[[], object]]
) -> None:
    rests.append(rewritten(future / NAMES[0]))
    taken = frozen(future, tmp_path)
    assert [each.name for each in taken.databases] == NAMES
    copy = taken.databases[0].file.path
    assert copy.read_bytes() == (future / NAMES[0]).read_bytes()


def test_a_sidecar_that_grows_is_no_rest(
    future: Path, tmp_path: Path, rests: list[Callable[[], object]]
) -> None:
    wal = future / "reflection.duckdb.wal"
    wal.write_bytes(b"x" * 100)
    rests.append(lambda: wal.write_bytes(b"x" * 200))
    taken = frozen(future, tmp_path)
    assert rests == []
    assert [each.size for each in taken.databases[0].sidecars] == [200]
    assert [each.fingerprint for each in taken.databases[0].sidecars] == [None]


def test_the_second_read_finds_what_no_stat_shows(
    future: Path,
    tmp_path: Path,
    rests: list[Callable[[], object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A write in the same tick of a coarse clock as the one before the first look."""
    stats = {future / name: members_of.members(future / name) for name in NAMES}
    monkeypatch.setattr(members_of, "members", lambda path: stats[path])
    rests += [rewritten(future / NAMES[0])] * ahead.ATTEMPTS
    taken = frozen(future, tmp_path)
    assert [each.name for each in taken.skipped] == NAMES[:1]
    assert [each.name for each in taken.databases] == NAMES[1:]


def test_a_file_that_is_written_now_is_proved_by_its_stat_again(
    future: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "wait_for_rest", (future / NAMES[0]).touch)
    first, second = frozen(future, tmp_path).databases
    assert first.file.fingerprint == Fingerprint.of((future / NAMES[0]).stat())
    assert second.file.fingerprint is None


def test_a_file_that_goes_meanwhile_is_named_and_the_others_go(
    future: Path, tmp_path: Path, rests: list[Callable[[], object]]
) -> None:
    rests.append((future / NAMES[0]).unlink)
    taken = frozen(future, tmp_path)
    assert [(each.name, each.reason) for each in taken.skipped] == [(NAMES[0], "busy")]
    assert [each.name for each in taken.databases] == NAMES[1:]


@contextlib.contextmanager
def always_ahead(path: Path) -> Iterator[None]:
    """Somebody puts the timestamp ahead after every write."""
    done = threading.Event()

    def work() -> None:
        while not done.wait(0.002):
            set_ahead(path)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def rows(directory: Path) -> int:
    with duckdb.connect(str(directory / "reflection.duckdb")) as connection:
        counts = connection.execute("SELECT count(*), sum(length(content)) FROM conversations_v2")
        row = counts.fetchone()
    assert row is not None
    return int(row[0])


def test_a_live_writer_whose_file_is_ahead_never_gives_a_torn_copy(
    future: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Long for the clock of the filesystem here, whose ticks are of some milliseconds.
    monkeypatch.setattr(ahead, "REST_SECONDS", 0.1)
    database = future / "reflection.duckdb"
    with Writer(database) as writer:
        writer.start_inserting()
        with always_ahead(database):
            for number in range(6):
                before = writer.acknowledged()
                taken = frozen(future, tmp_path, f"frozen-{number}")
                if taken.skipped:
                    assert taken.skipped[0].reason == "busy"
                else:
                    assert rows(taken.directory) >= 20 + before
        assert writer.stop_inserting() == []
        committed = 20 + writer.acknowledged()
        # Still open, and quiet at last; the last rows are in the WAL.
        set_ahead(database)
        taken = frozen(future, tmp_path, "quiet")
        assert taken.skipped == ()
        assert rows(taken.directory) == committed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (59, "59 seconds"), (3600, "1 hour"), (DAY - 1, "23 hours"), (DAY, "1 day")],
)
def test_how_far_ahead_is_said_in_words(seconds: int, words: str) -> None:
    now = 1_795_000_000_000_000_000
    fingerprint = Fingerprint(1, now + seconds * 1_000_000_000, now, 1)
    assert ahead.distance(fingerprint, now) == words


def test_what_a_short_wait_makes_up_for_is_not_ahead() -> None:
    now = 1_795_000_000_000_000_000
    assert not Fingerprint(1, now + 1_900_000_000, now, 1).ahead(now)
    assert Fingerprint(1, now, now + 2_100_000_000, 1).ahead(now)


def test_the_rest_is_longer_than_any_tick() -> None:
    assert ahead.REST_SECONDS > 2
