"""Conversations counted in the background."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.demo.databases import make_graph_database, make_reflection_database
from akosha_hook.duckdb_reader import Counter
from akosha_hook.snapshot import Database, SnapshotFile
from tests.support.duckdb_files import make_too_new


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
