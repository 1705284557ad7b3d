"""Recognising another process, on systems with /proc and without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from akosha_hook.util import processes
from tests.support.waiting import until


@pytest.fixture(params=["proc", "ps"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the system has no /proc, `ps` is asked."""
    if request.param == "proc" and not Path("/proc/self/stat").exists():
        pytest.skip("there is no /proc")
    if request.param == "ps":
        monkeypatch.setattr(processes, "_from_proc", lambda _: None)
        monkeypatch.setattr(Path, "exists", lambda _: False)
    return str(request.param)


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose command line could be one of ours."""
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", "akosha"]
    ) as process:
        yield process
        process.kill()


def test_a_process_is_found_and_seen_to_be_stopped(
    system: str, other: subprocess.Popen[bytes]
) -> None:
    found = processes.find(other.pid)
    assert found is not None
    assert found.stopped is False
    other.send_signal(signal.SIGSTOP)

    def is_stopped() -> bool:
        found = processes.find(other.pid)
        return found is not None and found.stopped

    until(is_stopped, "it is stopped")
    other.send_signal(signal.SIGCONT)
    until(lambda: not is_stopped(), "it goes on")


def test_one_that_has_ended_is_gone_even_before_its_parent_asks(
    system: str, other: subprocess.Popen[bytes]
) -> None:
    other.kill()
    until(lambda: processes.find(other.pid) is None, "it is gone")
    assert other.returncode is None
    other.wait()
    assert processes.find(other.pid) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_another_process_with_the_same_id_is_not_taken_for_it(
    other: subprocess.Popen[bytes],
) -> None:
    found = processes.find(other.pid)
    assert found is not None
    assert found.start
    assert processes.find(other.pid, found.start) == found
    assert processes.find(other.pid, found.start + "1") is None
    assert processes.find(os.getpid(), processes.own_start()) is not None


def test_where_only_ps_tells_the_command_has_to_be_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            until(lambda: processes.find(process.pid) is None, "it is seen to be sleep")
        finally:
            process.kill()


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_what_is_no_process_is_not_found(pid: int) -> None:
    assert processes.find(pid) is None
