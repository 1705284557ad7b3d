"""`akosha-hook verify`: what it prints, and that `status` shows it afterwards."""

from __future__ import annotations

import json

import pytest

from tests.support.home import Home
from tests.support.recovery import upload


@pytest.fixture
def upload_id(uploading_home: Home) -> str:
    return upload(uploading_home.paths)


@pytest.mark.parametrize("command", [("verify",), ("restore", "--verify-only")], ids=" ".join)
def test_it_says_that_the_upload_can_be_restored(
    uploading_home: Home, upload_id: str, command: tuple[str, ...]
) -> None:
    before = {each.name: each.stat() for each in uploading_home.paths.data.iterdir()}
    result = uploading_home.akosha_hook(*command)
    assert result.returncode == 0
    assert result.stdout.startswith(f"{upload_id} can be restored: ")
    assert before == {each.name: each.stat() for each in uploading_home.paths.data.iterdir()}
    status = uploading_home.akosha_hook("status").stdout
    assert f": {upload_id} can be restored\n" in status.partition("Last verified ")[2]


def test_json_has_the_plan_and_the_checks(uploading_home: Home, upload_id: str) -> None:
    document = json.loads(uploading_home.akosha_hook("verify", "--json").stdout)
    assert (document["success"], document["upload_id"], document["kept"]) == (True, upload_id, None)
    assert document["checks"] == {"reflection.duckdb": "", "knowledge_graph.duckdb": ""}


def test_a_damaged_upload_is_an_error_that_status_remembers(
    uploading_home: Home, upload_id: str
) -> None:
    assert uploading_home.bucket is not None
    bucket = uploading_home.bucket
    key = next(each for each in bucket.object_keys() if "reflection" in each)
    bucket.client.remove_object(bucket.name, key)
    result = uploading_home.akosha_hook("verify", "--json")
    assert result.returncode == 6
    assert json.loads(result.stdout)["success"] is False
    status = json.loads(uploading_home.akosha_hook("status", "--json").stdout)
    assert status["last_verification"]["success"] is False


def test_a_damaged_newest_upload_is_said_first_and_is_the_exit_code(
    uploading_home: Home, upload_id: str
) -> None:
    newest = upload(uploading_home.paths, full=True)
    assert uploading_home.bucket is not None
    bucket = uploading_home.bucket
    key = next(each for each in bucket.object_keys() if f"{newest}/reflection" in each)
    bucket.client.remove_object(bucket.name, key)
    result = uploading_home.akosha_hook("verify")
    assert result.returncode == 6
    assert result.stdout.startswith(f"{upload_id} can be restored: ")
    assert result.stderr.startswith(f"Error: {newest}, the newest upload, cannot be restored: ")
    assert "Note:" not in result.stderr
    as_json = uploading_home.akosha_hook("verify", "--json")
    assert as_json.returncode == 6
    document = json.loads(as_json.stdout)
    assert (document["success"], document["upload_id"]) == (False, upload_id)
    assert document["error"].startswith(f"{newest}, the newest upload, cannot be restored: ")
    status = uploading_home.akosha_hook("status").stdout
    assert f": {newest}, the newest upload, cannot be restored: " in status
    assert uploading_home.akosha_hook("verify", upload_id).returncode == 0
