"""What is in the data directory and is not backed up."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from akosha_hook.doctor import uncovered
from akosha_hook.doctor.finding import Finding
from tests.support.findings import context_of
from tests.support.home import Home
from tests.support.sqlite_writer import make_sqlite


def named(home: Home, directory: Path = Path("/nonexistent")) -> dict[str, Finding]:
    return {each.name: each for each in uncovered.findings(context_of(home), directory)}


def test_nothing_is_said_where_everything_is_covered(at_home: Home) -> None:
    data = at_home.paths.data
    make_sqlite(data / "activity.db")
    for name in ("activity.db-wal", "activity.db-shm", "reflection.duckdb.wal"):
        (data / name).touch()
    (data / "sessions" / "a").mkdir(parents=True)
    (data / "sessions" / "a" / "state.json").write_text("{}")
    assert named(at_home) == {}


def test_files_and_folders_that_are_not_covered_are_named(at_home: Home) -> None:
    data = at_home.paths.data
    (data / "notes.txt").touch()
    (data / "x\x1b[31m").touch()
    os.mkfifo(data / "pipe")
    (data / "cache" / "deeper").mkdir(parents=True)
    (data / "empty").mkdir()
    (data / "root").symlink_to("/")
    for name in ("a", "b", "deeper/c"):
        (data / "cache" / name).touch()
    finding = named(at_home)["not covered"]
    assert finding.state == "ok"
    assert finding.detail == (r"cache/ (3 files), notes.txt, pipe, root, x\x1b[31m")


def test_only_some_are_named(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (at_home.paths.data / f"file-{number:02}.txt").touch()
    assert named(at_home)["not covered"].detail.endswith("file-09.txt and 20 more")
    monkeypatch.setattr(
        uncovered, "_look", lambda context: uncovered._Uncovered(others=["a/"], left=0)
    )
    assert "only the first 20,000 files" in named(at_home)["not covered"].detail


def test_a_folder_of_any_size_is_not_walked_for_ever(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (at_home.paths.data / "cache").mkdir()
    for number in range(9):
        (at_home.paths.data / "cache" / str(number)).touch()
    found = uncovered._Uncovered(left=5)
    assert uncovered._count(at_home.paths.data / "cache", ("cache",), [], found) == 5
    assert found.is_cut_off


def test_files_of_a_set_that_is_not_included_are_not_covered(at_home: Home) -> None:
    (at_home.paths.data / "handoffs").mkdir()
    (at_home.paths.data / "handoffs" / "a.md").touch()
    at_home.configure(akosha_include=["claude-memory"])
    assert named(at_home)["not covered"].detail == "handoffs/ (1 file)"


def test_databases_that_the_settings_leave_out_are_named(at_home: Home) -> None:
    make_sqlite(at_home.paths.data / "activity.db")
    at_home.configure(akosha_databases=["reflection.duckdb"])
    finding = named(at_home)["excluded"]
    assert finding.state == "warning"
    assert finding.detail == "akosha_databases leaves out activity.db, knowledge_graph.duckdb"


def test_one_with_the_name_of_a_database_outside_is_not_said_to_be_excluded(
    at_home: Home, tmp_path: Path
) -> None:
    outside = tmp_path / "else" / "reflection.duckdb"
    outside.parent.mkdir()
    shutil.copy(at_home.paths.data / "reflection.duckdb", outside)
    at_home.configure(database_path=str(outside))
    found = named(at_home)
    assert "excluded" not in found
    assert found["not covered"].detail == "reflection.duckdb"


def test_a_database_in_a_folder_is_a_warning(at_home: Home) -> None:
    (at_home.paths.data / "old").mkdir()
    shutil.move(at_home.paths.data / "knowledge_graph.duckdb", at_home.paths.data / "old")
    finding = named(at_home)["databases in folders"]
    assert finding.state == "warning"
    assert finding.detail.endswith("old/knowledge_graph.duckdb")


def test_what_session_buddy_keeps_beside_a_project_is_named(at_home: Home, tmp_path: Path) -> None:
    (tmp_path / "project" / ".session-buddy").mkdir(parents=True)
    make_sqlite(tmp_path / "project" / ".session-buddy" / "skills.db")
    assert "skills.db" in named(at_home, tmp_path / "project")["elsewhere"].detail
