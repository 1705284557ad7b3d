"""What the running sync is doing, for others to show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from akosha_hook.state import progress_file
from akosha_hook.state.progress_file import ProgressFile, State, SyncResult, forget_error, read
from tests.support.passing import PassingTime, passing_time

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

RESULT = SyncResult(at=1_795_000_000.0, state="uploaded", method="cloud")


@pytest.fixture
def passing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    paths.state.mkdir(parents=True)
    return passing_time(monkeypatch, "akosha_hook.state.progress_file")


def test_without_a_file_nothing_is_going_on(paths: Paths) -> None:
    assert read(paths) == State()


def test_phase_file_and_bytes_are_there_to_be_shown(paths: Paths, passing: PassingTime) -> None:
    progress = ProgressFile(paths)
    progress.phase("upload")
    progress.file("reflection.duckdb", 1000)
    passing.sleep(progress_file.WRITE_SECONDS)
    progress.advance("reflection.duckdb", 400, 100)
    state = read(paths)
    assert (state.phase, state.file, state.pid) == ("upload", "reflection.duckdb", os.getpid())
    assert (state.total_bytes, state.done_bytes, state.wire_bytes) == (1000, 400, 100)


def test_bytes_alone_are_written_at_most_twice_a_second(paths: Paths, passing: PassingTime) -> None:
    progress = ProgressFile(paths)
    progress.file("reflection.duckdb", 1000)
    for _ in range(4):
        progress.advance("reflection.duckdb", 1, 1)
    assert read(paths).done_bytes == 0
    passing.sleep(progress_file.WRITE_SECONDS)
    progress.advance("reflection.duckdb", 1, 1)
    assert read(paths).done_bytes == 5


def test_the_end_of_a_sync_outlives_the_worker(paths: Paths, passing: PassingTime) -> None:
    progress = ProgressFile(paths)
    progress.phase("upload")
    progress.finished(RESULT)
    progress.idle()
    state = read(paths)
    assert (state.phase, state.pid, state.last) == ("idle", 0, RESULT)
    next_worker = ProgressFile(paths)
    next_worker.phase("snapshot")
    assert read(paths).last == RESULT


def test_waiting_says_until_when(paths: Paths, passing: PassingTime) -> None:
    ProgressFile(paths).waiting(1_795_000_060.0)
    assert (read(paths).phase, read(paths).until) == ("waiting", 1_795_000_060.0)


def test_variables_that_were_dropped_are_named(paths: Paths, passing: PassingTime) -> None:
    ProgressFile(paths).dropped(["AWS_PROFILE"])
    assert read(paths).dropped == ("AWS_PROFILE",)


def test_a_place_that_cannot_be_written_stops_nobody(paths: Paths) -> None:
    ProgressFile(paths).phase("upload")
    assert read(paths) == State()


def test_an_error_that_is_over_is_forgotten_and_no_other(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    progress = ProgressFile(paths)
    progress.finished(SyncResult(at=1.0, state="failed", method="cloud", error="held"))
    forget_error(paths, "another")
    assert read(paths).last is not None
    forget_error(paths, "held")
    assert read(paths).last is None
