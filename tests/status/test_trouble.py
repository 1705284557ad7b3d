"""A sync that is stopped or stuck, as `status` sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state.progress_file import ProgressFile, State, read
from akosha_hook.status.document import document
from akosha_hook.status.trouble import STUCK_SECONDS, Trouble, trouble
from akosha_hook.util import files, processes
from tests.support.reports import report_now
from tests.support.waiting import until

LONG_AGO = time.time() - STUCK_SECONDS - 60


def of_this_process(phase: str, updated: float) -> State:
    return State(phase=phase, pid=os.getpid(), process_start=processes.own_start(), updated=updated)


@pytest.mark.parametrize("phase", ["snapshot", "upload", "manifest", "akosha", "prune"])
def test_one_without_progress_for_ten_minutes_is_stuck(phase: str) -> None:
    found = trouble(of_this_process(phase, LONG_AGO), timeout_seconds=300)
    assert found == Trouble("stuck", os.getpid(), LONG_AGO)
    assert found.fix == (f"kill {os.getpid()}, then the next event or akosha-hook sync carries on")
    assert trouble(of_this_process(phase, time.time() - 300), timeout_seconds=300) is None


@pytest.mark.parametrize("phase", ["idle", "waiting", "owner", "check", "download"])
def test_what_takes_the_time_it_takes_is_not_stuck(phase: str) -> None:
    assert trouble(of_this_process(phase, LONG_AGO), timeout_seconds=300) is None


def test_where_one_request_may_take_long_more_patience_is_shown() -> None:
    assert trouble(of_this_process("upload", LONG_AGO), timeout_seconds=3600) is None


def test_a_clock_that_was_set_back_makes_nobody_stuck() -> None:
    state = of_this_process("upload", time.time() + 10 * STUCK_SECONDS)
    assert trouble(state, timeout_seconds=300) is None


@pytest.fixture
def stopped() -> Iterator[State]:
    """A process that was stopped while it waited."""
    command = [sys.executable, "-c", "import time; time.sleep(600)", "akosha"]
    with subprocess.Popen(command) as process:
        process.send_signal(signal.SIGSTOP)

        def is_stopped() -> bool:
            found = processes.find(process.pid)
            return found is not None and found.stopped

        until(is_stopped, "it is stopped")
        found = processes.find(process.pid)
        assert found is not None
        yield State(phase="waiting", pid=process.pid, process_start=found.start, updated=1.0)
        process.kill()


def test_a_stopped_one_is_told_how_to_go_on(stopped: State) -> None:
    found = trouble(stopped, timeout_seconds=300)
    assert found is not None
    assert found.kind == "stopped"
    assert found.fix.startswith(f"kill -CONT {stopped.pid}, and it goes on; or kill -9 ")


def test_the_report_tells_it_in_every_form(paths: Paths, stopped: State) -> None:
    files.private_directory(paths.state)
    files.write_json(paths.progress, stopped)
    report = report_now(paths)
    worker = document(report)["worker"]
    assert (worker["phase"], worker["pid"]) == ("waiting", stopped.pid)
    assert worker["trouble"] == "stopped"
    assert worker["updated"] == "1970-01-01T00:00:01+00:00"
    assert worker["fix"] in report.problems[-1]


@pytest.mark.skipif(not processes.own_start(), reason="the system does not tell")
def test_a_later_process_with_that_id_is_not_taken_for_the_worker(paths: Paths) -> None:
    files.private_directory(paths.state)
    state = of_this_process("upload", LONG_AGO)
    state.process_start += "1"
    files.write_json(paths.progress, state)
    report = report_now(paths)
    assert report.worker.phase == "idle"
    assert report.trouble is None


def test_progress_without_bytes_is_progress(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.passing import passing_time

    files.private_directory(paths.state)
    passing = passing_time(monkeypatch, "akosha_hook.state.progress_file")
    progress = ProgressFile(paths)
    progress.phase("snapshot")
    before = read(paths).updated
    passing.sleep(STUCK_SECONDS)
    progress.advance("", 0, 0)
    assert read(paths).updated >= before + STUCK_SECONDS
