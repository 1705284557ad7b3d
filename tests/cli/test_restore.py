"""`akosha-hook restore`: what it prints; what it puts in place is tested in tests/restore."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.first_session import make_first_session
from tests.support.home import Home
from tests.support.machines import another_machine, machine_id
from tests.support.recovery import upload
from tests.support.sets import write

PLAN_KEYS = {
    "upload_id",
    "system_id",
    "machine_id",
    "whose",
    "uploaded_at",
    "directory",
    "files",
    "replaces",
    "notes",
}


@pytest.fixture
def upload_id(uploading_home: Home) -> str:
    return upload(uploading_home.paths)


def test_a_dry_run_says_what_would_be_replaced(uploading_home: Home, upload_id: str) -> None:
    result = uploading_home.akosha_hook("restore", "--dry-run")
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"Upload:     {upload_id} of laptop, ")
    assert "Would be moved aside: reflection.duckdb, knowledge_graph.duckdb" in lines
    assert lines[-1] == "Nothing was changed."


def test_a_dry_run_as_json_has_the_plan(uploading_home: Home, upload_id: str) -> None:
    document = json.loads(uploading_home.akosha_hook("restore", "--dry-run", "--json").stdout)
    assert document.keys() == {"dry_run", "sets", *PLAN_KEYS}
    assert (document["dry_run"], document["upload_id"]) == (True, upload_id)


def test_a_restore_says_what_where_and_how_it_was_checked(
    uploading_home: Home, upload_id: str, tmp_path: Path
) -> None:
    to = tmp_path / "restored"
    result = uploading_home.akosha_hook("restore", "--to", str(to))
    assert result.returncode == 0
    assert result.stdout.startswith("Restored reflection.duckdb, knowledge_graph.duckdb: ")
    assert f"Upload id: {upload_id}\n" in result.stdout
    assert f"Into:      {to}\n" in result.stdout
    assert "Read from end to end: " in result.stdout
    assert {each.name for each in to.iterdir()} == {"reflection.duckdb", "knowledge_graph.duckdb"}


def test_a_restore_as_json_has_the_plan_and_the_checks(
    uploading_home: Home, upload_id: str, tmp_path: Path
) -> None:
    to = str(tmp_path / "restored")
    document = json.loads(uploading_home.akosha_hook("restore", "--to", to, "--json").stdout)
    more = {"success", "checks", "sets", "bytes_downloaded", "duration_seconds", "kept", "replayed"}
    assert document.keys() == PLAN_KEYS | more
    assert (document["success"], document["kept"], document["directory"]) == (True, None, to)


def test_a_log_that_was_replayed_is_said_and_as_stored_is_told(
    uploading_home: Home, tmp_path: Path
) -> None:
    (uploading_home.paths.data / "reflection.duckdb").unlink()
    make_first_session(uploading_home.paths.data / "reflection.duckdb")
    upload(uploading_home.paths)
    to = str(tmp_path / "restored")
    result = uploading_home.akosha_hook("restore", "--to", to)
    assert result.returncode == 0
    assert "reflection.duckdb: its write-ahead log was replayed" in result.stderr
    result = uploading_home.akosha_hook("restore", "--dry-run", "--as-stored")
    assert result.returncode == 0
    assert "no write-ahead log would be replayed" in result.stderr
    result = uploading_home.akosha_hook("restore", "--to", to, "--as-stored", "--json")
    document = json.loads(result.stdout)
    assert (document["replayed"], document["replaces"]) == (
        [],
        ["reflection.duckdb", "knowledge_graph.duckdb"],
    )
    assert "reflection.duckdb.wal" in {each.name for each in Path(to).iterdir()}


def test_another_systems_memories_come_with_how_to_continue_as_it(
    uploading_home: Home, upload_id: str, tmp_path: Path
) -> None:
    uploading_home.configure(akosha_system_id="new-laptop")
    to = str(tmp_path / "restored")
    output = uploading_home.akosha_hook("restore", "--system", "laptop", "--to", to).stdout
    assert "This machine uploads as new-laptop. To continue as laptop: " in output
    assert "akosha-hook config set akosha_system_id laptop" in output


def test_a_time_and_an_upload_id_are_a_usage_error(uploading_home: Home) -> None:
    result = uploading_home.akosha_hook("restore", "20261122_120000_x", "--at", "3d")
    assert result.returncode == 2
    assert "cannot be combined" in result.stderr


def test_a_failure_as_json_is_a_document_too(uploading_home: Home, upload_id: str) -> None:
    result = uploading_home.akosha_hook("restore", "--system", "nobody", "--json")
    document = json.loads(result.stdout)
    assert result.returncode != 0
    assert document["success"] is False
    assert document["error"]


@pytest.mark.parametrize("options", [(), ("--dry-run",)], ids=["restore", "dry run"])
def test_a_newer_upload_that_is_passed_over_is_the_first_thing_said(
    uploading_home: Home, options: tuple[str, ...]
) -> None:
    first = upload(uploading_home.paths)
    second = upload(uploading_home.paths, full=True)
    assert uploading_home.bucket is not None
    bucket = uploading_home.bucket
    key = next(each for each in bucket.object_keys() if f"{second}/reflection" in each)
    bucket.client.remove_object(bucket.name, key)
    result = uploading_home.akosha_hook("restore", *options)
    assert result.returncode == 0
    assert first in result.stdout
    said = f"Warning: {second} is newer and was passed over: {key} is not in the bucket"
    assert result.stderr.startswith(said)
    assert result.stderr.count("passed over") == 1
    document = json.loads(uploading_home.akosha_hook("restore", *options, "--json").stdout)
    assert "is newer and was passed over" in document["notes"][0]


def test_another_machines_upload_is_taken_where_the_machine_is_named(
    uploading_home: Home, upload_id: str, tmp_path: Path
) -> None:
    other = another_machine(uploading_home, tmp_path)
    theirs = upload(other.paths)
    name = machine_id(other)[:8]
    refused = uploading_home.akosha_hook("restore", theirs)
    assert refused.returncode == 1
    assert "is not known to be this machine's" in refused.stderr
    assert f"Try: akosha-hook restore {theirs} --machine {name} (" in refused.stderr
    assert uploading_home.akosha_hook("restore").stdout.count(upload_id) == 1
    done = uploading_home.akosha_hook("restore", "--machine", name, "--json")
    document = json.loads(done.stdout)
    assert (document["upload_id"], document["whose"]) == (theirs, "other")
    assert document["machine_id"] == machine_id(other)
    verified = uploading_home.akosha_hook("verify", "--machine", name)
    assert verified.stdout.startswith(f"{theirs} can be restored: ")


def test_what_became_of_the_files_of_a_set_is_said_and_a_dry_run_says_it_before(
    uploading_home: Home,
) -> None:
    data = uploading_home.paths.data
    write(data, sessions__a="one", sessions__b="two", sessions__c="three")
    assert uploading_home.akosha_hook("sync").returncode == 0
    (data / "sessions/a").unlink()
    write(data, sessions__b="newer")
    chosen = ("restore", "--file", "session-files")
    dry = uploading_home.akosha_hook(*chosen, "--dry-run").stdout
    assert (
        "session-files: 1 file would be put back, 1 newer one would be kept (--force replaces it), "
        "1 there already.\n"
    ) in dry
    assert not (data / "sessions/a").exists()
    done = uploading_home.akosha_hook(*chosen).stdout
    assert (
        "session-files: 1 file put back, 1 newer one kept (--force replaces it), 1 there already.\n"
    ) in done
    document = json.loads(uploading_home.akosha_hook(*chosen, "--json").stdout)
    assert document["sets"] == {
        "session-files": {
            "into": str(data),
            "put_back": 0,
            "same": 2,
            "newer_kept": 1,
            "blocked": 0,
        }
    }


def test_an_agent_needs_the_flag_for_a_set_too(uploading_home: Home) -> None:
    refused = uploading_home.akosha_hook("restore", "--file", "session-files", CLAUDECODE="1")
    assert "--yes-replace-databases" in refused.stderr
