"""`akosha-hook check`: what it says, what that proves, and its exit codes."""

from __future__ import annotations

import json

import pytest

from tests.support.duck import change
from tests.support.home import Home
from tests.support.recovery import upload


@pytest.fixture
def uploads(uploading_home: Home) -> tuple[str, str]:
    first = upload(uploading_home.paths)
    change(uploading_home.paths.data / "reflection.duckdb", 5)
    return first, upload(uploading_home.paths)


def remove(home: Home, part: str) -> str:
    assert home.bucket is not None
    (key,) = (each for each in home.bucket.object_keys() if part in each)
    home.bucket.client.remove_object(home.bucket.name, key)
    return key


def test_it_says_what_was_proved(uploading_home: Home, uploads: tuple[str, str]) -> None:
    quick = uploading_home.akosha_hook("check")
    assert (quick.returncode, quick.stderr) == (0, "")
    assert quick.stdout == (
        "2 uploads of laptop are complete: every object is there at its size. "
        "--read-data reads them all.\n"
    )
    read = uploading_home.akosha_hook("check", "--read-data")
    assert (read.returncode, read.stderr) == (0, "")
    assert read.stdout.startswith("2 uploads of laptop can be restored: ")
    assert "every file has its SHA-256, and every database was read from end to end" in read.stdout


@pytest.mark.parametrize("options", [(), ("--read-data",)], ids=["quick", "read"])
def test_a_damaged_newest_upload_is_named_with_what_to_type(
    uploading_home: Home, uploads: tuple[str, str], options: tuple[str, ...]
) -> None:
    first, second = uploads
    key = remove(uploading_home, f"{second}/reflection")
    result = uploading_home.akosha_hook("check", *options)
    assert result.returncode == 6
    assert f"Damaged: {second}, " in result.stdout
    assert f"{key} is not in the bucket as its manifest says" in result.stdout
    assert "1 upload of laptop " in result.stdout
    assert "Error: 1 of 2 uploads of laptop cannot be restored.\n" in result.stderr
    assert (
        "Try: akosha-hook sync --full makes a new upload. "
        f"akosha-hook restore {first} takes the newest that can be restored.\n" in result.stderr
    )
    document = json.loads(uploading_home.akosha_hook("check", *options, "--json").stdout)
    assert document["success"] is False
    assert [each["restorable"] for each in document["uploads"]] == [False, True]
    assert document["uploads"][0]["missing"] == [key]
    assert document["error"] == "1 of 2 uploads of laptop cannot be restored."


def test_json_tells_of_every_upload(uploading_home: Home, uploads: tuple[str, str]) -> None:
    document = json.loads(uploading_home.akosha_hook("check", "--json").stdout)
    assert document.keys() == {
        "success",
        "system_id",
        "read_data",
        "uploads",
        "unfinished",
        "objects",
        "bytes_downloaded",
        "duration_seconds",
        "notes",
    }
    assert (document["success"], document["read_data"], document["objects"]) == (True, False, 3)
    assert [each["upload_id"] for each in document["uploads"]] == [uploads[1], uploads[0]]


def test_another_system_is_checked_by_its_name(
    uploading_home: Home, uploads: tuple[str, str]
) -> None:
    uploading_home.configure(akosha_system_id="desktop")
    nothing = uploading_home.akosha_hook("check")
    assert nothing.returncode == 1
    assert "Nothing is stored for desktop." in nothing.stderr
    assert uploading_home.akosha_hook("check", "--system", "laptop").returncode == 0
    remove(uploading_home, f"{uploads[1]}/reflection")
    damaged = uploading_home.akosha_hook("check", "--system", "laptop")
    assert damaged.returncode == 6
    assert "sync --full" not in damaged.stderr


def test_a_server_out_of_reach_is_no_damage(uploading_home: Home) -> None:
    gone = "http://127.0.0.1:1"
    uploading_home.configure(akosha_cloud_endpoint=gone)
    result = uploading_home.akosha_hook("check", "--json")
    assert result.returncode == 5
    assert json.loads(result.stdout)["success"] is False
