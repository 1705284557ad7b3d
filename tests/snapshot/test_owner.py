"""Who has a DuckDB file open, found out without ever taking its lock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from akosha_hook.snapshot import owner as module
from akosha_hook.snapshot.owner import owner, wait_until_free
from tests.support.passing import passing_time
from tests.support.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path


def test_a_database_that_somebody_has_open_has_an_owner(data: Path) -> None:
    database = data / "reflection.duckdb"
    assert owner(database) is None
    with Writer(database) as writer:
        assert owner(database) == writer.pid
        assert owner(data / "knowledge_graph.duckdb") is None
    assert owner(database) is None


def test_asking_takes_no_lock(data: Path) -> None:
    database = data / "reflection.duckdb"
    with Writer(database) as writer:
        for _ in range(3):
            owner(database)
        writer.insert(1)
        writer.checkpoint()


def test_a_file_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert owner(tmp_path / "nothing.duckdb") is None


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_database_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reflection.duckdb")
    assert owner(tmp_path / "reflection.duckdb") is None


def test_a_database_that_is_let_go_of_is_waited_for(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, module.__name__)
    databases = [data / "reflection.duckdb", data / "knowledge_graph.duckdb"]
    with Writer(databases[0]) as writer:
        passing.meanwhile.append(writer.close)
        assert wait_until_free(databases, seconds=10)
    assert passing.slept == [module.POLL_SECONDS]


def test_one_that_is_never_let_go_of_is_waited_for_so_long_and_no_longer(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, module.__name__)
    with Writer(data / "reflection.duckdb"):
        assert not wait_until_free([data / "reflection.duckdb"], seconds=3)
    assert 2.9 < sum(passing.slept) < 3.2


def test_without_an_owner_nobody_waits(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passing = passing_time(monkeypatch, module.__name__)
    assert wait_until_free([data / "reflection.duckdb"], seconds=10)
    assert passing.slept == []


def test_no_descriptor_is_left_open(data: Path) -> None:
    """Closing one later would drop a lock that this process itself may have by then."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - what a Path lists is itself a descriptor
    owner(data / "reflection.duckdb")
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208
