"""`akosha-hook history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.duck import change
from tests.support.home import Home
from tests.support.recovery import upload

if TYPE_CHECKING:
    pass


def test_history_lists_receipts_newest_first(uploading_home: Home) -> None:
    first = upload(uploading_home.paths)
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    second = upload(uploading_home.paths)
    document = json.loads(uploading_home.akosha_hook("history", "--json").stdout)
    assert [each["upload_id"] for each in document] == [second, first]
    lines = uploading_home.akosha_hook("history").stdout.splitlines()
    assert lines[0].split() == ["When", "To", "Files", "Sent", "Took", "Cause", "Result"]
    assert len(lines) == 3
    assert lines[1].endswith("ok")
    assert len(json.loads(uploading_home.akosha_hook("history", "--json", "-n", "1").stdout)) == 1


def test_history_can_be_narrowed_to_failures_and_times(uploading_home: Home) -> None:
    upload(uploading_home.paths)
    assert uploading_home.akosha_hook("history", "--failed").stdout == "No failures.\n"
    change(uploading_home.paths.data / "reflection.duckdb", 3)
    uploading_home.configure(akosha_cloud_bucket="not-there")
    uploading_home.akosha_hook("sync")
    failed = json.loads(uploading_home.akosha_hook("history", "--failed", "--json").stdout)
    assert len(failed) == 1
    assert "does not exist" in failed[0]["error"]
    assert (
        json.loads(uploading_home.akosha_hook("history", "--since", "2999-01-01", "--json").stdout)
        == []
    )
    assert (
        len(json.loads(uploading_home.akosha_hook("history", "--since", "1h", "--json").stdout))
        == 2
    )
    assert "is not a time" in uploading_home.akosha_hook("history", "--since", "soon").stderr


def test_history_before_the_first_upload(uploading_home: Home) -> None:
    result = uploading_home.akosha_hook("history")
    assert result.stdout == "Nothing has been uploaded from here yet.\n"
    assert json.loads(uploading_home.akosha_hook("history", "--json").stdout) == []
