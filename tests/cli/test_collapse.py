"""A memory that shrinks, as the user sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.duck import empty, make_databases
from tests.support.home import Home
from tests.support.later import akosha_hook_later

REFLECTION = "reflection.duckdb"


@pytest.fixture
def emptied(uploading_home: Home) -> tuple[Home, str]:
    """A home that uploaded, lost its conversations and uploaded again; the first upload's id."""
    home = uploading_home
    make_databases(home.paths.data, conversations=50)
    good = json.loads(home.akosha_hook("sync", "--json").stdout)["upload_id"]
    empty(home.paths.data / REFLECTION)
    shown = home.akosha_hook("sync")
    assert shown.returncode == 0
    assert f"Warning: {REFLECTION} had 50 conversations and has 0 now" in shown.stderr
    assert f"akosha-hook restore {good} --file {REFLECTION} --to DIRECTORY" in shown.stderr
    assert f"akosha-hook forget {REFLECTION}" in shown.stderr
    return home, good


def status_of(home: Home) -> dict[str, Any]:
    return dict(json.loads(home.akosha_hook("status", "--json").stdout))


def test_status_and_the_next_session_start_tell_and_prune_keeps_what_forget_lets_go(
    emptied: tuple[Home, str],
) -> None:
    home, good = emptied
    assert home.akosha_hook("sync").stderr == ""
    (lost,) = status_of(home)["collapsed"]
    assert (lost["name"], lost["before"], lost["now"], lost["upload_id"]) == (
        REFLECTION,
        50,
        0,
        good,
    )
    assert any("had 50 conversations" in each for each in status_of(home)["problems"])
    assert "had 50 conversations" in home.akosha_hook("status").stdout
    assert "had 50 conversations" in home.paths.notice.read_text()
    asked = ("prune", "--keep-last", "1", "--dry-run", "--json")
    kept = json.loads(akosha_hook_later(home, *asked).stdout)["kept"]
    assert kept[good] == f"has 50 conversations of {REFLECTION}, a later one 0"
    accepted = home.akosha_hook("forget", REFLECTION)
    assert accepted.returncode == 0
    assert f"{REFLECTION} is taken as it is, with 0 conversations" in accepted.stdout
    assert status_of(home)["collapsed"] == []
    assert good in json.loads(akosha_hook_later(home, *asked).stdout)["removed"]
    # A database that is there, and has lost nothing that anybody misses, cannot be forgotten.
    assert (
        "the next upload would only store it again" in home.akosha_hook("forget", REFLECTION).stderr
    )


def test_what_was_lost_is_restored_as_the_message_says(
    emptied: tuple[Home, str], tmp_path: Path
) -> None:
    home, good = emptied
    done = home.akosha_hook("restore", good, "--file", REFLECTION, "--to", str(tmp_path / "back"))
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "back" / REFLECTION), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM conversations_v2").fetchone() == (50,)


def test_prune_that_ignores_it_has_been_told_that_the_user_looked(
    emptied: tuple[Home, str],
) -> None:
    home, _ = emptied
    asked = ("prune", "--keep-last", "1", "--ignore-collapse")
    akosha_hook_later(home, *asked, "--dry-run")
    assert len(status_of(home)["collapsed"]) == 1
    assert "Deleted 1 upload" in akosha_hook_later(home, *asked).stdout
    assert status_of(home)["collapsed"] == []


def test_a_loss_in_one_of_several_databases_is_kept_though_the_sum_is_nearly_the_same(
    uploading_home: Home,
) -> None:
    home = uploading_home
    make_databases(home.paths.data, conversations=100)
    other = home.paths.data / "reflection_work.duckdb"
    make_databases(home.paths.data / "more", conversations=20)
    (home.paths.data / "more" / REFLECTION).rename(other)
    good = json.loads(home.akosha_hook("sync", "--json").stdout)["upload_id"]
    empty(other)
    home.akosha_hook("sync")
    asked = ("prune", "--keep-last", "1", "--dry-run", "--json")
    kept = json.loads(akosha_hook_later(home, *asked).stdout)["kept"]
    assert kept[good] == "has 20 conversations of reflection_work.duckdb, a later one 0"


def test_a_set_that_lost_most_of_its_files(uploading_home: Home) -> None:
    home = uploading_home
    folder = home.paths.data / "sessions" / "1"
    folder.mkdir(parents=True)
    for number in range(12):
        (folder / f"{number}.json").write_text("{}")
    home.akosha_hook("sync")
    for number in range(11):
        (folder / f"{number}.json").unlink()
    shown = home.akosha_hook("sync")
    assert "Warning: session-files.tar had 12 files and has 1 now" in shown.stderr
    assert home.akosha_hook("forget", "session-files").returncode == 0
    assert status_of(home)["collapsed"] == []
