from __future__ import annotations

import json

import pytest

from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket

GUIDE_KEYS = {
    "cloud_configured",
    "system_id",
    "should_use_cloud",
    "should_use_http",
    "force_method",
    "enable_fallback",
    "upload_on_session_end",
    "configuration",
}


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_system_id="macbook-pro-username")
    return home


def document(home: Home) -> dict[str, object]:
    document = json.loads(home.akosha_hook("status", "--json").stdout)
    assert isinstance(document, dict)
    return document


def test_the_guides_keys_have_the_guides_values(at_home: Home) -> None:
    status = document(at_home)
    assert status.keys() >= GUIDE_KEYS
    assert status["cloud_configured"] is True
    assert status["system_id"] == "macbook-pro-username"
    assert status["should_use_cloud"] is True
    assert status["should_use_http"] is True
    assert status["force_method"] == "auto"
    assert status["enable_fallback"] is True
    assert status["upload_on_session_end"] is True
    configuration = status["configuration"]
    assert isinstance(configuration, dict)
    assert configuration["cloud_bucket"] == at_home.settings["akosha_cloud_bucket"]
    assert not any(name.startswith("akosha_") for name in configuration)


@pytest.mark.parametrize(
    ("settings", "cloud", "http"),
    [
        ({}, True, True),
        ({"akosha_enable_fallback": False}, True, False),
        ({"akosha_force_method": "cloud"}, True, False),
        ({"akosha_force_method": "http"}, False, True),
        ({"akosha_cloud_bucket": ""}, False, True),
    ],
)
def test_which_destinations_would_be_used(
    at_home: Home, settings: dict[str, object], cloud: bool, http: bool
) -> None:
    at_home.configure(**settings)
    status = document(at_home)
    assert (status["should_use_cloud"], status["should_use_http"]) == (cloud, http)


def test_before_the_first_sync_it_says_never_and_changes_nothing(at_home: Home) -> None:
    at_home.unpin()
    output = at_home.akosha_hook("status").stdout
    assert "Last sync     never" in output
    assert "no hook is installed. Try: akosha-hook install" in output
    assert not at_home.paths.state.exists()


def test_after_a_sync_it_says_when_and_how_much(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    output = at_home.akosha_hook("status").stdout
    assert "2 files" in output
    last = document(at_home)["last_sync"]
    assert isinstance(last, dict)
    assert last["success"] is True
    assert last["triggered_by"] == ["manual"]


def test_waiting_events_are_counted(at_home: Home) -> None:
    outbox.record(at_home.paths, "post-commit", None, b"")
    assert "1 waiting: post-commit" in at_home.akosha_hook("status").stdout


def test_nothing_set_up_says_what_to_type(paths: Paths) -> None:
    home = Home(paths)
    home.configure(akosha_enable_fallback=False)
    output = home.akosha_hook("status").stdout
    assert "Backup        off: no bucket is set. Try: akosha-hook config set" in output


def test_a_broken_settings_file_is_a_problem_and_not_a_crash(at_home: Home) -> None:
    at_home.paths.settings_yaml.write_text("akosha_cloud_bucket: [unclosed\n")
    result = at_home.akosha_hook("status")
    assert result.returncode == 0
    assert "session-buddy.yaml" in result.stdout


def test_a_corrupt_receipt_is_a_problem_and_not_a_crash(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    (receipt,) = at_home.paths.receipts.glob("*.json")
    receipt.write_bytes(receipt.read_bytes()[:99])
    result = at_home.akosha_hook("status")
    assert result.returncode == 0
    assert "set aside" in at_home.akosha_hook("status").stdout


def test_escape_sequences_in_a_settings_file_do_not_reach_the_terminal(at_home: Home) -> None:
    at_home.paths.settings_yaml.write_text('akosha_force_method: "\\x1b[31mred"\n')
    result = at_home.akosha_hook("status")
    assert "\x1b" not in result.stdout
    assert "\x1b" not in result.stderr


def test_times_that_are_none_do_not_hide_the_rest(at_home: Home) -> None:
    at_home.akosha_hook("sync")
    (at_home.paths.state / "drill.json").write_text('{"at": "yesterday", "success": true}')
    result = at_home.akosha_hook("status")
    assert result.returncode == 0
    assert "Last verified at an unknown time" in result.stdout


def test_check_asks_the_server(at_home: Home) -> None:
    at_home.configure(akosha_enable_fallback=False)
    result = at_home.akosha_hook("status", "--check")
    assert result.returncode == 0
    assert "Bucket list (s3:ListBucket): works" in result.stdout
    refused = at_home.akosha_hook(
        "status", "--check", "--json", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="yyyy"
    )
    assert refused.returncode == 4
    assert json.loads(refused.stdout)["servers"][-1]["state"] == "problem"


def test_watching_needs_a_terminal(at_home: Home) -> None:
    assert at_home.akosha_hook("status", "--watch").returncode == 2


def test_check_looks_for_the_last_upload_and_remembers_what_it_found(at_home: Home) -> None:
    at_home.configure(akosha_enable_fallback=False)
    assert at_home.bucket is not None
    assert at_home.akosha_hook("sync").returncode == 0
    before = document(at_home)
    assert before["last_look"] is None
    found = at_home.akosha_hook("status", "--check")
    assert found.returncode == 0
    assert "is in the bucket, with every object that it needs" in found.stdout
    assert "Last look     just now: the last upload is in the bucket" in found.stdout
    key = next(each for each in at_home.bucket.object_keys() if each.endswith("reflection.duckdb"))
    at_home.bucket.client.remove_object(at_home.bucket.name, key)
    lost = at_home.akosha_hook("status", "--check")
    assert lost.returncode == 6
    assert "1 object is no longer in the bucket as stored, and " in lost.stdout
    assert key in lost.stdout
    assert "Try: akosha-hook sync, which sends again what is lost" in lost.stdout
    # The very next sync does what was advised.
    again = at_home.akosha_hook("sync")
    assert again.returncode == 0
    assert f"Note: 1 object was no longer in the bucket as stored ({key})" in again.stderr
    assert at_home.akosha_hook("status", "--check").returncode == 0


def test_check_of_a_server_out_of_reach_after_a_success(at_home: Home) -> None:
    at_home.configure(akosha_enable_fallback=False)
    assert at_home.akosha_hook("sync").returncode == 0
    gone = at_home.akosha_hook(
        "status", "--check", SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT="http://127.0.0.1:1"
    )
    assert gone.returncode == 5
    assert not at_home.paths.looks.exists()


def test_without_check_a_lost_upload_is_not_asked_for(at_home: Home) -> None:
    assert at_home.akosha_hook("sync").returncode == 0
    result = at_home.akosha_hook("status", SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT="http://127.0.0.1:1")
    assert result.returncode == 0
    assert "Last look" not in result.stdout


def test_a_lost_copy_that_cannot_be_sent_again_is_not_said_to_be(at_home: Home) -> None:
    assert at_home.bucket is not None
    graph = "knowledge_graph.duckdb"
    assert at_home.akosha_hook("sync").returncode == 0
    (at_home.paths.data / graph).unlink()
    for key in at_home.bucket.object_keys():
        if key.endswith(graph):
            at_home.bucket.client.remove_object(at_home.bucket.name, key)
    checked = at_home.akosha_hook("status", "--check")
    assert "sends again" not in checked.stdout
    assert f"{graph} cannot be sent again" in checked.stdout
    sent = at_home.akosha_hook("sync")
    assert sent.returncode == 1
    assert "akosha-hook restore" not in sent.stderr
    after = at_home.akosha_hook("status").stdout
    assert "uploaded again since" not in after
    assert f"no upload has {graph} since" in after


def test_what_was_lost_and_sent_again_is_said_to_be(at_home: Home) -> None:
    assert at_home.bucket is not None
    assert at_home.akosha_hook("sync").returncode == 0
    for key in at_home.bucket.object_keys():
        if key.endswith("knowledge_graph.duckdb"):
            at_home.bucket.client.remove_object(at_home.bucket.name, key)
    assert "sends again what is lost" in at_home.akosha_hook("status", "--check").stdout
    assert at_home.akosha_hook("sync").returncode == 0
    assert "uploaded again since" in at_home.akosha_hook("status").stdout
