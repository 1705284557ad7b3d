"""`akosha-hook prune`: what it prints; what it deletes is tested in tests/prune."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from tests.support.duck import change
from tests.support.home import Home
from tests.support.later import akosha_hook_later
from tests.support.machines import another_machine
from tests.support.recovery import upload


@pytest.fixture
def uploads(uploading_home: Home) -> tuple[str, str]:
    """Two uploads; the newer one needs a file of the older one."""
    older = upload(uploading_home.paths)
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    return older, upload(uploading_home.paths)


def test_a_dry_run_says_what_would_go_and_what_stays(
    uploading_home: Home, uploads: tuple[str, str]
) -> None:
    older, newer = uploads
    result = akosha_hook_later(uploading_home, "prune", "--keep-last", "1", "--dry-run")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith("keep") and newer in line for line in lines)
    assert any(line.startswith("delete ") and older in line for line in lines)
    assert any(line.startswith("Objects of deleted uploads that stay") for line in lines)
    assert lines[-1].startswith("Would delete 1 upload, ")
    assert lines[-1].endswith("Nothing was deleted.")


def test_it_says_what_it_deleted_and_then_that_nothing_is_left(
    uploading_home: Home, uploads: tuple[str, str]
) -> None:
    assert (
        "Deleted 1 upload, "
        in akosha_hook_later(uploading_home, "prune", "--keep-last", "1").stdout
    )
    again = akosha_hook_later(uploading_home, "prune", "--keep-last", "1").stdout
    assert "Nothing to delete." in again


def test_json_has_the_plan_and_what_was_done(
    uploading_home: Home, uploads: tuple[str, str]
) -> None:
    older, newer = uploads
    document = json.loads(
        akosha_hook_later(uploading_home, "prune", "--keep-last", "1", "--json").stdout
    )
    assert document.keys() == {
        "success",
        "dry_run",
        "system_id",
        "kept",
        "removed",
        "abandoned",
        "objects_deleted",
        "objects_still_needed",
        "multipart_uploads_aborted",
        "freed_bytes",
        "notes",
    }
    assert (document["success"], document["dry_run"], document["removed"]) == (True, False, [older])
    assert list(document["kept"]) == [newer]


def test_a_failure_as_json_is_a_document_too(uploading_home: Home) -> None:
    uploading_home.configure(akosha_cloud_bucket="not-there")
    result = uploading_home.akosha_hook("prune", "--keep-last", "1", "--json")
    document = json.loads(result.stdout)
    assert result.returncode != 0
    assert document["success"] is False
    assert document["error"]


def test_keeping_nothing_at_all_is_a_usage_error(uploading_home: Home) -> None:
    result = uploading_home.akosha_hook("prune", "--keep-last", "0")
    assert result.returncode == 2
    assert "Every --keep option is 0" in result.stderr


def test_another_machines_uploads_are_left_with_a_note(
    uploading_home: Home, uploads: tuple[str, str], tmp_path: Path
) -> None:
    theirs = upload(another_machine(uploading_home, tmp_path).paths)
    result = akosha_hook_later(uploading_home, "prune", "--keep-last", "1")
    assert result.returncode == 0
    assert "Deleted 1 upload, " in result.stdout
    assert theirs not in result.stdout
    assert result.stderr.startswith("Note: 1 upload of laptop is not known to be this machine's")


def test_what_is_too_young_is_shown_as_kept(uploading_home: Home, uploads: tuple[str, str]) -> None:
    older, newer = uploads
    result = uploading_home.akosha_hook("prune", "--keep-last", "1", "--json")
    assert json.loads(result.stdout)["kept"] == {
        newer: "newest, last",
        older: "younger than an hour",
    }


def test_the_last_upload_before_a_collapse_goes_where_the_user_says_so(
    uploading_home: Home, uploads: tuple[str, str]
) -> None:
    full = uploads[1]
    with duckdb.connect(str(uploading_home.paths.data / "reflection.duckdb")) as connection:
        connection.execute("DELETE FROM conversations_v2")
    upload(uploading_home.paths)
    asked = ("prune", "--keep-last", "1", "--dry-run", "--json")
    document = json.loads(akosha_hook_later(uploading_home, *asked).stdout)
    assert document["kept"][full].endswith(" conversations, a later one 0")
    document = json.loads(akosha_hook_later(uploading_home, *asked, "--ignore-collapse").stdout)
    assert full in document["removed"]
