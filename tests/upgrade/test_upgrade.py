"""A user of version 0.1.0 installs this one: nothing is lost, sent twice, or asked again."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.state import backoff
from akosha_hook.util import files
from tests.support.akosha_server import serve
from tests.support.duck import change
from tests.support.faults import error
from tests.support.installing import commit, tree
from tests.support.waiting import until
from tests.upgrade.archive import below, text_of, unpack

if TYPE_CHECKING:
    from akosha_hook.state.receipt import Receipt
    from tests.upgrade.archive import Members
    from tests.upgrade.conftest import Upgraded

BIG_PARTS = [1, 2, 3, 4]


def test_status_tells_what_the_old_version_did_and_changes_nothing(upgraded: Upgraded) -> None:
    before = upgraded.everything()
    status = upgraded.document("status")
    left = upgraded.left
    assert status["last_sync"]["upload_id"] == left.delta
    assert status["last_sync"]["triggered_by"] == ["manual"]
    assert status["last_failure"]["error"].startswith("Cloud sync failed: ")
    assert status["last_akosha"]["success"]
    assert status["last_verification"]["success"]
    assert status["last_verification"]["upload_id"] == left.delta
    assert status["last_drill"] == status["last_verification"]
    assert status["last_prune"]["success"]
    assert status["last_check"]["state"] == "failed"
    assert [each["event"] for each in status["pending_events"]] == ["post-commit", "session-end"]
    assert status["worker"]["phase"] == "idle"
    assert status["system_id"] == "laptop"
    assert status["problems"] == []
    text = upgraded.succeed("status")
    assert f"{left.delta} can be restored" in text
    assert "2 waiting: post-commit, session-end" in text
    assert upgraded.everything() == before


def test_status_finds_the_hooks_that_the_old_version_installed(upgraded: Upgraded) -> None:
    hooks = upgraded.document("status", cwd=upgraded.notes)["hooks"]
    assert [(each["kind"], each["state"]) for each in hooks] == [
        ("claude-user", "working"),
        ("git", "working"),
    ]


def test_an_interrupted_upload_is_continued_on_its_parts(upgraded_anywhere: Upgraded) -> None:
    upgraded = upgraded_anywhere
    result = upgraded.document("sync")
    assert result["success"]
    assert result["upload_id"] == upgraded.left.interrupted
    # Its first part, and the delta that was stored before it, are not sent again.
    assert upgraded.network.parts() == BIG_PARTS[1:]
    assert upgraded.network.operations("CreateMultipartUpload", "PutObject") == []
    assert upgraded.store.open_uploads() == 0
    assert upgraded.events() == []
    assert list(upgraded.paths.receipts.glob("*.journal")) == []
    assert list(upgraded.paths.snapshots.iterdir()) == []
    assert not upgraded.paths.notice.exists()
    restored(upgraded, upgraded.left.interrupted)
    upgraded.nothing_was_set_aside()


def test_the_destination_of_the_last_upload_is_pinned(upgraded: Upgraded) -> None:
    status = upgraded.document("status")
    assert (status["pin"], status["hold"]) == (None, None)
    commit(upgraded.notes, "third")
    until(lambda: upgraded.events() == [], "the worker deals with the events")
    upgraded.wait_for_worker()
    pinned = upgraded.document("status")["pin"]
    assert pinned["by"] == "upgrade"
    assert (pinned["bucket"], pinned["endpoint"]) == (upgraded.store.name, upgraded.network.url)
    assert pinned["akosha_url"] == upgraded.akosha.url
    assert pinned["data_directory"] == str(upgraded.paths.data)


def test_an_upgrade_under_other_settings_is_held(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = upgraded.store.object_keys()
    events = upgraded.events()
    elsewhere = str(upgraded.notes)
    for name, value in (("CLOUD_BUCKET", "theirs"), ("DATA_DIR", elsewhere)):
        with monkeypatch.context() as patch:
            patch.setenv(f"SESSION_BUDDY_AKOSHA_{name}", value)
            patch.setenv("AKOSHA_PIN", "accept")
            assert upgraded.work() == ""
            assert f"environment SESSION_BUDDY_AKOSHA_{name}" in upgraded.paths.notice.read_text()
    assert not upgraded.paths.pin.exists()
    assert upgraded.store.object_keys() == before
    assert upgraded.events() == events
    assert upgraded.document("sync")["success"]


def test_what_the_old_version_did_not_follow_is_asked_for_first(upgraded: Upgraded) -> None:
    """Settings that were there all along, and those of a newer Session-Buddy."""
    before = upgraded.store.object_keys()
    upgraded.settings_are({"paths": {"data_dir": str(upgraded.notes)}})
    assert upgraded.work() == ""
    notice = upgraded.paths.notice.read_text()
    assert "paths.data_dir" in notice
    assert "but you confirmed" in notice
    assert not upgraded.paths.pin.exists()
    assert upgraded.store.object_keys() == before
    # What a newer Session-Buddy writes by default leads nowhere else.
    upgraded.settings_are(
        {
            "paths": {"data_dir": "~/.claude/data"},
            "database": {"path": "~/.claude/data/reflection.duckdb"},
        }
    )
    assert upgraded.document("sync")["success"]


def test_a_try_that_fails_first_leaves_the_parts_to_the_next_one(upgraded: Upgraded) -> None:
    upgraded.network.on(fault=error(503, "SlowDown"))
    assert upgraded.akosha_hook("sync").returncode != 0
    upgraded.network.heal()
    assert upgraded.document("sync")["upload_id"] == upgraded.left.interrupted
    assert upgraded.network.parts() == BIG_PARTS[1:]
    assert upgraded.store.open_uploads() == 0


def test_an_interrupted_upload_whose_snapshot_is_gone_is_cleaned_up(upgraded: Upgraded) -> None:
    files.remove_tree(upgraded.paths.snapshots)
    assert upgraded.store.open_uploads() == 1
    result = upgraded.document("sync")
    assert result["success"]
    assert result["upload_id"] != upgraded.left.interrupted
    assert upgraded.store.open_uploads() == 0
    assert receipt_of(upgraded, upgraded.left.interrupted).state == "failed"


def test_a_full_upload_supersedes_the_interrupted_one(upgraded: Upgraded) -> None:
    result = upgraded.document("sync", "--full")
    assert result["success"]
    assert len(result["files_uploaded"]) == 3
    assert upgraded.store.open_uploads() == 0
    given_up = receipt_of(upgraded, upgraded.left.interrupted)
    assert (given_up.state, given_up.error) == ("failed", f"Superseded by {result['upload_id']}.")
    restored(upgraded, upgraded.left.delta)


def receipt_of(upgraded: Upgraded, upload_id: str) -> Receipt:
    return next(each for each in upgraded.receipts() if each.upload_id == upload_id)


def test_what_changed_since_is_a_delta_on_the_old_base(upgraded_anywhere: Upgraded) -> None:
    upgraded = upgraded_anywhere
    change(upgraded.reflection, 1)
    digests = {each.name: digest(each) for each in upgraded.paths.data.glob("*.duckdb")}
    newest = upgraded.document("sync")["upload_id"]
    assert newest not in {upgraded.left.interrupted, upgraded.left.delta}
    files_ = receipt_of(upgraded, newest).files
    sent = {each.name: each for each in files_ if each.status == "uploaded"}
    assert set(sent) == {"reflection.duckdb"}
    base = sent["reflection.duckdb"].delta
    assert base is not None
    assert f"/{upgraded.left.full}/" in base.base_key
    assert restored(upgraded, newest) == digests


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def restored(upgraded: Upgraded, upload_id: str) -> dict[str, str]:
    """SHA-256 of the databases that `restore` brings back, after a look at what they must be."""
    target = upgraded.paths.claude.parent / f"restored-{upload_id}"
    upgraded.succeed("restore", upload_id, "--to", str(target))
    digests = {each.name: digest(each) for each in target.glob("*.duckdb")}
    if upload_id in upgraded.left.about["databases"]:
        assert digests == upgraded.left.databases(upload_id)
    return digests


def test_both_uploads_of_the_old_version_can_be_restored(upgraded_anywhere: Upgraded) -> None:
    left = upgraded_anywhere.left
    assert restored(upgraded_anywhere, left.full) != restored(upgraded_anywhere, left.delta)


def test_ls_and_verify_know_the_old_uploads(upgraded: Upgraded) -> None:
    left = upgraded.left
    (system,) = upgraded.document("ls")["systems"]
    states = {each["upload_id"]: each["state"] for each in system["uploads"]}
    assert system["system_id"] == "laptop"
    assert states[left.full] == states[left.delta] == "complete"
    assert states[left.interrupted] == "incomplete"
    before = upgraded.document("status")["last_verification"]
    verdict = upgraded.document("verify")
    assert verdict["success"]
    assert verdict["upload_id"] == left.delta
    again = upgraded.document("status")["last_verification"]
    assert again["success"]
    assert again["at"] > before["at"]
    assert not upgraded.paths.verification_of_0_1.exists()


def test_history_tells_of_every_receipt_of_the_old_version(upgraded: Upgraded) -> None:
    left = upgraded.left
    by_id = {each["upload_id"]: each for each in upgraded.document("history")}
    assert len(by_id) == 5
    assert by_id[left.full]["success"]
    assert by_id[left.delta]["success"]
    assert by_id[left.interrupted]["state"] == "uploading"
    failed = upgraded.document("history", "--failed")
    assert left.delta not in {each["upload_id"] for each in failed}
    assert len(failed) == 2


def test_prune_keeps_the_old_base_that_a_new_delta_needs(upgraded: Upgraded) -> None:
    change(upgraded.reflection, 1)
    newest = upgraded.document("sync")["upload_id"]
    pruned = upgraded.document_later("prune", "--keep-last", "1")
    left = upgraded.left
    assert set(pruned["removed"]) == {left.full, left.delta, left.interrupted}
    assert any(f"/{left.full}/reflection.duckdb" in key for key in pruned["objects_still_needed"])
    verdict = upgraded.document("verify")
    assert (verdict["success"], verdict["upload_id"]) == (True, newest)
    restored(upgraded, newest)


def test_a_commit_starts_the_new_worker_which_deals_with_the_old_events(
    upgraded: Upgraded,
) -> None:
    """The git hook, the script and the interpreter's path are those that 0.1.0 wrote."""
    change(upgraded.reflection, 1)
    commit(upgraded.notes, "third")
    until(lambda: upgraded.events() == [], "the worker deals with the events")
    upgraded.wait_for_worker()
    done = [each for each in upgraded.receipts() if each.success and each.method == "cloud"]
    newest, interrupted, *_ = done
    assert interrupted.upload_id == upgraded.left.interrupted
    assert set(newest.triggered_by) == {"post-commit", "session-end"}
    assert not upgraded.paths.notice.exists()
    # The hook that was there before 0.1.0 still runs.
    commits = (upgraded.notes / ".git" / "commits").read_text().splitlines()
    assert commits == ["first", "second", "third"]
    upgraded.nothing_was_set_aside()


def test_a_session_start_shows_the_old_notice_once_more(upgraded: Upgraded) -> None:
    shown = subprocess.run(
        [upgraded.paths.hook_script, "session-start"],
        input=b"{}",
        capture_output=True,
        check=True,
        cwd=upgraded.notes,
    )
    assert b"systemMessage" in shown.stdout
    assert b"Cloud sync failed: " in shown.stdout
    until(lambda: upgraded.events() == [], "the worker deals with the events")
    upgraded.wait_for_worker()
    shown = subprocess.run(
        [upgraded.paths.hook_script, "session-start"],
        input=b"{}",
        capture_output=True,
        check=True,
        cwd=upgraded.notes,
    )
    assert shown.stdout == b""


def test_only_rows_that_the_old_version_did_not_push_are_pushed(
    upgraded: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a terminal, only settings lead past the bucket.
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_FORCE_METHOD", "http")
    with serve(upgraded.akosha) as akosha:
        assert upgraded.document("sync")["success"]
    # Those of the upload that failed.
    assert len(akosha.memories) == 2


def test_small_state_files_of_the_old_version_are_read(upgraded: Upgraded) -> None:
    paths = upgraded.paths
    (entry,) = backoff.entries(paths).values()
    assert entry.failures == 1
    assert entry.reason.startswith("Cloud sync failed: ")
    assert files.read_json(paths.regions, dict[str, str]) == {
        "s3.amazonaws.com memories": "eu-west-3"
    }
    upgraded.nothing_was_set_aside()


def test_every_command_takes_the_old_state_as_it_is(upgraded: Upgraded) -> None:
    for command in ("status", "history", "doctor", "config", "ls", "verify", "sync", "prune"):
        more = {"config": ["show"], "prune": ["--keep-last", "2"]}.get(command, [])
        done = upgraded.akosha_hook(command, *more)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    upgraded.nothing_was_set_aside()


def test_installing_again_changes_the_script_and_nothing_else(upgraded: Upgraded) -> None:
    home = Path(os.environ["HOME"])
    printed = upgraded.succeed("install", cwd=upgraded.notes)
    changed = [line for line in printed.splitlines() if line.startswith(("changed: ", "created: "))]
    assert changed == [f"changed: {upgraded.paths.hook_script}"]
    before = {name: content for name, content in tree(home).items() if "akosha.log" not in name}
    for options in ((), ("--git",)):
        printed = upgraded.succeed("install", *options, cwd=upgraded.notes)
        assert "up to date: " in printed
        assert "changed: " not in printed
        assert "created: " not in printed
    after = {name: content for name, content in tree(home).items() if "akosha.log" not in name}
    assert after == before


def test_uninstalling_gives_back_what_was_before_the_old_version(upgraded: Upgraded) -> None:
    upgraded.succeed("uninstall", cwd=upgraded.notes)
    nothing_of_ours_is_left(upgraded)


def test_uninstalling_after_installing_over_it_gives_back_the_same(upgraded: Upgraded) -> None:
    upgraded.succeed("install", cwd=upgraded.notes)
    upgraded.succeed("install", "--git", cwd=upgraded.notes)
    upgraded.succeed("uninstall", cwd=upgraded.notes)
    nothing_of_ours_is_left(upgraded)


def nothing_of_ours_is_left(upgraded: Upgraded) -> None:
    hooks = below(upgraded.left.original, "notes/.git/hooks/")
    assert is_as_in(hooks, upgraded.notes / ".git" / "hooks")
    settings = upgraded.left.original[".claude/settings.json"]
    assert upgraded.paths.claude_settings.read_bytes() == settings.data
    assert upgraded.paths.claude_settings.stat().st_mode & 0o777 == settings.mode
    assert not upgraded.paths.bin.exists()
    assert not upgraded.paths.interpreter.exists()
    assert not upgraded.paths.install.exists()


def is_as_in(members: Members, directory: Path) -> bool:
    """Whether the directory holds those files and no others, with the same bytes and modes."""
    present = {name: (mode & 0o777, data) for name, (mode, data) in tree(directory).items()}
    return present == {name: (member.mode, member.data) for name, member in members.items()}


def test_the_archive_names_no_machine() -> None:
    for name, member in unpack().items():
        text = text_of(member) or ""
        assert not re.search(r"/(tmp|var|Users|work|root|home/\w+)/", text), name
