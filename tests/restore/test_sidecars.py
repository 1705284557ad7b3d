"""The files beside a database that belong to it go and come with it."""

from __future__ import annotations

import shutil
from pathlib import Path

from akosha_hook import restore
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore.sidecars import sidecars
from tests.support.duck import conversations_in
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    upload,
)
from tests.support.writer import Writer


def test_no_sidecar_that_the_manifest_does_not_name_stays(at_home: Home) -> None:
    upload(at_home.paths)
    for end in (".wal", ".wal.checkpoint", ".wal.recovery", ".wal.of-the-future"):
        (at_home.paths.data / f"reflection.duckdb{end}").write_bytes(b"stale")
    unrelated = at_home.paths.data / "reflection.duckdb.txt"
    unrelated.write_text("a user's note")
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert set(contents(at_home.paths.data)) == {
        "reflection.duckdb",
        "knowledge_graph.duckdb",
        unrelated.name,
    }
    assert result.kept is not None
    assert len(contents(result.kept)) == 6


def test_sidecars_come_back_with_their_database(at_home: Home) -> None:
    database = at_home.paths.data / "reflection.duckdb"
    with Writer(database) as writer:
        writer.insert(3)
        writer.kill()
    before = contents(at_home.paths.data)
    upload(at_home.paths)
    shutil.rmtree(at_home.paths.data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == before
    assert conversations_in(database) == 13


def test_a_sidecar_is_told_by_its_name_even_one_of_a_newer_duckdb(tmp_path: Path) -> None:
    names = ["a.duckdb.wal", "a.duckdb.wal.checkpoint", "a.duckdb.wal.recovery", "a.duckdb.wal2"]
    for name in (*names, "a.duckdb", "a.duckdb.txt", "ab.duckdb.wal", "b.duckdb.wal"):
        (tmp_path / name).touch()
    assert sorted(path.name for path in sidecars(tmp_path, "a.duckdb")) == names


def test_those_of_sqlite_are_told_by_their_names_too(tmp_path: Path) -> None:
    names = ["a.db-journal", "a.db-shm", "a.db-wal"]
    for name in (*names, "a.db", "a.db-wal2", "ab.db-wal", "a-wal"):
        (tmp_path / name).touch()
    assert sorted(path.name for path in sidecars(tmp_path, "a.db")) == names


def test_a_name_that_is_a_pattern_finds_its_own_files_only(tmp_path: Path) -> None:
    for name in ("[ab].duckdb.wal", "a.duckdb.wal"):
        (tmp_path / name).touch()
    assert sidecars(tmp_path, "[ab].duckdb") == [tmp_path / "[ab].duckdb.wal"]


def test_a_link_that_leads_nowhere_is_there_all_the_same(tmp_path: Path) -> None:
    """DuckDB would follow it."""
    link = tmp_path / "a.duckdb.wal"
    link.symlink_to(tmp_path / "nowhere")
    assert sidecars(tmp_path, "a.duckdb") == [link]
