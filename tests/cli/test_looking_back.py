"""`history` and `ls`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.duck import change, make_databases
from tests.support.home import Home
from tests.support.recovery import put, upload
from tests.support.terminal import run_on_a_terminal

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home


def test_history_lists_receipts_newest_first(at_home: Home) -> None:
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    second = upload(at_home.paths)
    document = json.loads(at_home.akosha_hook("history", "--json").stdout)
    assert [each["upload_id"] for each in document] == [second, first]
    lines = at_home.akosha_hook("history").stdout.splitlines()
    assert lines[0].split() == ["When", "To", "Files", "Sent", "Took", "Cause", "Result"]
    assert len(lines) == 3
    assert lines[1].endswith("ok")
    assert len(json.loads(at_home.akosha_hook("history", "--json", "-n", "1").stdout)) == 1


def test_history_can_be_narrowed_to_failures_and_times(at_home: Home) -> None:
    upload(at_home.paths)
    assert at_home.akosha_hook("history", "--failed").stdout == "No failures.\n"
    change(at_home.paths.data / "reflection.duckdb", 3)
    at_home.akosha_hook("sync", SESSION_BUDDY_AKOSHA_CLOUD_BUCKET="not-there")
    failed = json.loads(at_home.akosha_hook("history", "--failed", "--json").stdout)
    assert len(failed) == 1
    assert "does not exist" in failed[0]["error"]
    assert (
        json.loads(at_home.akosha_hook("history", "--since", "2999-01-01", "--json").stdout) == []
    )
    assert len(json.loads(at_home.akosha_hook("history", "--since", "1h", "--json").stdout)) == 2
    assert "is not a time" in at_home.akosha_hook("history", "--since", "soon").stderr


def test_history_before_the_first_upload(at_home: Home) -> None:
    result = at_home.akosha_hook("history")
    assert result.stdout == "Nothing has been uploaded from here yet.\n"
    assert json.loads(at_home.akosha_hook("history", "--json").stdout) == []


def test_ls_shows_every_system_and_what_each_upload_holds(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 3)
    second = upload(at_home.paths)
    put(at_home.bucket, "systems/laptop/uploads/2999_half/reflection.duckdb", b"half")
    put(at_home.bucket, "systems/laptop/uploads/2999_bad/manifest.json", b"{}")
    put(at_home.bucket, "systems/old_one/uploads/x/manifest.json", b"")
    result = at_home.akosha_hook("ls")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("laptop: 2 complete uploads, ")
    rows = {line.split()[0]: line for line in lines[2:6]}
    assert "2 full" in rows[first]
    assert "1 same" in rows[second]
    assert "incomplete" in rows["2999_half"]
    assert "damaged" in rows["2999_bad"]
    assert lines[6].startswith("old_one: 0 complete uploads")
    document = json.loads(at_home.akosha_hook("ls", "--system", "laptop", "--json").stdout)
    assert [each["system_id"] for each in document["systems"]] == ["laptop"]
    states = {each["upload_id"]: each["state"] for each in document["systems"][0]["uploads"]}
    assert states == {
        first: "complete",
        second: "complete",
        "2999_half": "incomplete",
        "2999_bad": "damaged",
    }


def test_ls_of_a_system_that_is_not_there(at_home: Home) -> None:
    result = at_home.akosha_hook("ls", "--system", "nobody")
    assert result.returncode == 1
    assert "Nothing is stored for nobody." in result.stderr
    assert "holds no uploads yet" in at_home.akosha_hook("ls").stdout


def test_tables_fit_80_columns(at_home: Home) -> None:
    at_home.configure(akosha_system_id="a-rather-long-hostname-of-a-machine")
    for _ in range(3):
        change(at_home.paths.data / "reflection.duckdb", 3)
        upload(at_home.paths)
    at_home.akosha_hook("sync", "--full", SESSION_BUDDY_AKOSHA_CLOUD_BUCKET="not-there")
    for command in ("history", "ls"):
        drawn = run_on_a_terminal([command], dict(os.environ))
        assert max(len(line) for line in drawn.splitlines()) <= 80, drawn
    assert "█" in run_on_a_terminal(["history"], {**os.environ, "PYTHONUTF8": "1"})
