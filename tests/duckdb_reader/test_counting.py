"""Conversations counted in the background."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from akosha_hook.demo.databases import make_graph_database, make_reflection_database
from akosha_hook.duckdb_reader import Counter, counting
from akosha_hook.snapshot import Database, SnapshotFile
from tests.support.duckdb_files import make_too_new
from tests.support.waiting import until


def database_at(path: Path) -> Database:
    return Database(path.name, SnapshotFile(path.name, path, path.stat().st_size, "0" * 64, None))


@pytest.fixture
def reflection(tmp_path: Path) -> Database:
    path = tmp_path / "reflection.duckdb"
    make_reflection_database(path, conversations=7)
    return database_at(path)


def test_every_database_has_its_own_count(reflection: Database, tmp_path: Path) -> None:
    path = tmp_path / "knowledge_graph.duckdb"
    make_graph_database(path, entities=3)
    graph = database_at(path)
    with Counter([reflection, graph]) as counter:
        assert counter.of(graph) == 0
        assert counter.of(reflection) == 7
        assert counter.of(reflection) == 7


def test_a_database_not_given_before_is_counted_when_asked_for(reflection: Database) -> None:
    with Counter() as counter:
        assert counter.of(reflection) == 7


def test_a_database_that_cannot_be_read_has_no_count(reflection: Database) -> None:
    make_too_new(reflection.file.path)
    with Counter([reflection]) as counter:
        assert counter.of(reflection) is None


def test_a_failure_inside_the_block_leaves_nothing_beside_the_copy(reflection: Database) -> None:
    with pytest.raises(RuntimeError, match="upload failed"), Counter([reflection]):
        raise RuntimeError("upload failed")
    assert [each.name for each in reflection.file.path.parent.iterdir() if each.is_file()] == [
        "reflection.duckdb"
    ]
    assert not list(reflection.file.path.parent.glob(".reading-*"))


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Children that never say anything; gives the process id of the one that runs."""
    running = tmp_path / "pid"
    program = tmp_path / "python"
    program.write_text(
        f"#!/bin/sh\necho $$ > {running}.new; mv {running}.new {running}\nexec sleep 600\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))

    def pid() -> int:
        until(running.exists, "a child runs")
        return int(running.read_text())

    return pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_all_databases_together_are_waited_for_once(
    reflection: Database, stuck: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float | None] = []
    real = Future.result

    def result(future: Future[int | None], timeout: float | None = None) -> int | None:
        waits.append(timeout)
        return real(future, timeout)

    monkeypatch.setattr(Future, "result", result)
    databases = [Database(f"{number}.duckdb", reflection.file) for number in range(5)]
    with Counter(databases, wait_seconds=0.2) as counter:
        assert [counter.of(each) for each in databases] == [None] * 5
    assert waits == [0.2, 0, 0, 0, 0]


def test_leaving_the_block_kills_a_child_that_is_stuck(
    reflection: Database, stuck: Callable[[], int]
) -> None:
    with Counter(
        [reflection, Database("other.duckdb", reflection.file)], wait_seconds=0
    ) as counter:
        pid = stuck()
        os.kill(pid, signal.SIGSTOP)
        assert counter.of(reflection) is None
    assert is_gone(pid)
    assert not list(reflection.file.path.parent.glob(".reading-*"))


def test_a_child_that_was_killed_has_no_count(
    reflection: Database, stuck: Callable[[], int]
) -> None:
    """As by a kernel that is out of memory."""
    with Counter([reflection]) as counter:
        os.kill(stuck(), signal.SIGKILL)
        assert counter.of(reflection) is None


@pytest.mark.parametrize("error", [MemoryError(), ImportError("duckdb"), RuntimeError("bug")])
def test_whatever_goes_wrong_there_is_no_count(
    reflection: Database, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def count(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(counting, "conversation_count", count)
    with Counter([reflection]) as counter:
        assert counter.of(reflection) is None


@pytest.mark.parametrize("which", [1, 2], ids=["the counting thread", "the child's time limit"])
def test_where_no_thread_can_be_started_there_is_no_count(
    reflection: Database, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    real = threading.Thread.start
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) == which:
            raise RuntimeError("can't start new thread")
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with Counter([reflection]) as counter:
        assert counter.of(reflection) is None
    assert len(started) == which
    assert not list(reflection.file.path.parent.glob(".reading-*"))
