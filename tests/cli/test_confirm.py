"""What a person at a terminal is asked before memories go, or come from, somewhere new."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.hook import outbox
from akosha_hook.state import held
from akosha_hook.state import pin as pins
from akosha_hook.state.pin import Pin
from akosha_hook.util.checksum import with_checksum
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.terminal import run_on_a_terminal
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


@pytest.fixture
def two(paths: Paths, seaweedfs_buckets: tuple[TestBucket, TestBucket]) -> tuple[Home, TestBucket]:
    """A home whose memories go to one bucket, and another bucket that its keys open too."""
    mine, other = seaweedfs_buckets
    make_databases(paths.data, conversations=5)
    home = Home(paths, mine)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False)
    return home, other


def at_terminal(*arguments: str, typed: str = "", **environ: str) -> str:
    drawn = run_on_a_terminal(list(arguments), {**os.environ, **environ}, typed=typed)
    return re.sub(r"\s+", " ", drawn)


def pinned(home: Home) -> Pin:
    found = pins.look(home.paths)
    assert isinstance(found, Pin)
    return found


def exported(bucket: TestBucket) -> dict[str, str]:
    return {"SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": bucket.name}


def test_the_first_sync_pins_and_says_so_in_one_line(two: tuple[Home, TestBucket]) -> None:
    home, _ = two
    home.unpin()
    shown = at_terminal("sync")
    assert f"From now on, memories go to bucket {pinned(home).bucket} at http" in shown
    assert "Uploaded 2 of 2 files" in shown
    assert pinned(home).by == "sync"
    assert "From now on" not in at_terminal("sync")


@pytest.mark.parametrize(("typed", "goes"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_change_is_shown_and_asked_about_and_no_is_the_default(
    two: tuple[Home, TestBucket], typed: str, goes: bool
) -> None:
    home, other = two
    before = pinned(home)
    held.remember(home.paths, "somebody tried")
    shown = at_terminal("sync", typed=typed, **exported(other))
    change = (
        f'akosha_cloud_bucket is now "{other.name}" (environment '
        f'SESSION_BUDDY_AKOSHA_CLOUD_BUCKET), but you confirmed "{before.bucket}"'
    )
    assert change in shown
    assert "Send memories there from now on? [y/N]" in shown
    assert bool(other.object_keys()) is goes
    assert pinned(home).bucket == (other.name if goes else before.bucket)
    assert (held.last(home.paths) is None) is goes


def test_an_agent_with_a_terminal_is_not_asked_and_does_not_pin(
    two: tuple[Home, TestBucket],
) -> None:
    home, other = two
    shown = at_terminal("sync", typed="y\n", CODEX_THREAD_ID="1", **exported(other))
    assert "[y/N]" not in shown
    assert "Nothing was uploaded" in shown
    assert other.object_keys() == []
    home.unpin()
    assert "you have not confirmed yet" in at_terminal("sync", CLAUDECODE="1")
    assert pins.look(home.paths) is None


def test_without_a_terminal_a_sync_never_pins(two: tuple[Home, TestBucket]) -> None:
    home, other = two
    done = home.akosha_hook("sync", **exported(other))
    assert done.returncode == 3
    assert f'akosha_cloud_bucket is now "{other.name}"' in done.stderr
    assert "Try: akosha-hook sync, typed at a terminal" in done.stderr
    home.unpin()
    assert home.akosha_hook("sync").returncode == 3
    assert pins.look(home.paths) is None
    assert other.object_keys() == []


def test_a_corrupt_pin_is_asked_about_and_made_anew(two: tuple[Home, TestBucket]) -> None:
    home, _ = two
    home.paths.pin.write_text("{")
    assert home.akosha_hook("sync", AKOSHA_PIN="accept").returncode == 3
    assert home.receipts() == []
    shown = at_terminal("sync", typed="y\n")
    assert "pin.json could not be read" in shown
    assert "Uploaded 2 of 2 files" in shown
    assert home.akosha_hook("sync").returncode == 0


@pytest.mark.parametrize(
    ("command", "what", "question"),
    [
        (("restore",), "restored", "Restore from there this once?"),
        (("verify",), "verified", "Verify what is there this once?"),
        (("prune", "--keep-last", "1"), "deleted", "Delete uploads there this once?"),
        (("check",), "checked", "Check what is there this once?"),
    ],
)
def test_nothing_is_taken_from_or_deleted_in_a_place_that_was_not_confirmed(
    two: tuple[Home, TestBucket], command: tuple[str, ...], what: str, question: str
) -> None:
    home, other = two
    at_terminal("sync", typed="y\n", **exported(other))
    at_terminal("sync", "--full", typed="y\n", **exported(other))
    home.configure()
    there = other.object_keys()
    before = (home.paths.data / "reflection.duckdb").stat()
    done = home.akosha_hook(*command, **exported(other))
    assert done.returncode == 3
    assert f"Nothing was {what}, since the settings have changed" in done.stderr
    shown = at_terminal(*command, typed="n\n", **exported(other))
    assert question in shown
    assert other.object_keys() == there
    assert (home.paths.data / "reflection.duckdb").stat() == before
    # This once, and nothing is pinned.
    shown = at_terminal(*command, typed="y\n", **exported(other))
    assert "Nothing was" not in shown
    assert pinned(home).bucket != other.name
    changed = (home.paths.data / "reflection.duckdb").stat() != before
    assert changed is (what == "restored")


def test_a_copy_elsewhere_and_a_look_need_no_confirmation(
    two: tuple[Home, TestBucket], tmp_path: Path
) -> None:
    home, other = two
    at_terminal("sync", typed="y\n", **exported(other))
    home.configure()
    for command in (
        ("restore", "--to", str(tmp_path / "copy")),
        ("restore", "--dry-run"),
        ("prune", "--keep-last", "1", "--dry-run"),
        ("ls",),
    ):
        done = home.akosha_hook(*command, **exported(other))
        assert done.returncode == 0, done.stderr
    assert pinned(home).bucket != other.name


def test_config_set_at_a_terminal_confirms_what_was_typed(
    two: tuple[Home, TestBucket], paths: Paths
) -> None:
    home, other = two
    paths.settings_yaml.write_text("akosha_max_retries: 0\n")
    shown = at_terminal("config", "set", "akosha_cloud_bucket", other.name)
    # The endpoint that was confirmed before is not in the settings any more.
    assert "You have confirmed akosha_cloud_bucket; what else applies here is not" in shown
    assert (pinned(home).bucket, pinned(home).by) == (other.name, "config set")
    server = other.server.endpoint
    shown = at_terminal(
        "config",
        "set",
        "akosha_cloud_endpoint",
        server,
        SESSION_BUDDY_AKOSHA_CLOUD_BUCKET="evil-one",
    )
    assert pinned(home).bucket == other.name
    at_terminal("config", "set", "akosha_max_retries", "1")
    assert home.akosha_hook("sync", "--no-fallback").returncode == 0
    assert other.object_keys() != []


def test_config_set_does_not_promise_what_a_variable_prevents(
    two: tuple[Home, TestBucket], paths: Paths
) -> None:
    home, other = two
    paths.settings_yaml.write_text("akosha_max_retries: 0\n")
    variable = {"SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": "http://127.0.0.1:9"}
    shown = at_terminal("config", "set", "akosha_cloud_bucket", other.name, **variable)
    assert "From now on" not in shown
    assert "You have confirmed akosha_cloud_bucket; what else applies here is not" in shown
    assert "Changed: akosha_cloud_endpoint is now" in shown
    assert "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT" in shown
    assert "Note: memories do not go there before you confirm it." in shown
    assert pinned(home).bucket == other.name


@pytest.mark.parametrize("agents", [{}, {"CLAUDECODE": "1"}])
def test_config_set_of_an_agent_changes_the_setting_but_not_the_pin(
    two: tuple[Home, TestBucket], paths: Paths, agents: dict[str, str]
) -> None:
    home, other = two
    paths.settings_yaml.write_text("akosha_max_retries: 0\n")
    before = pinned(home)
    done = home.akosha_hook("config", "set", "akosha_cloud_bucket", other.name, **agents)
    assert done.returncode == 0
    assert "Note: memories do not go there before you confirm it." in done.stderr
    assert "Try: akosha-hook sync, typed at a terminal" in done.stderr
    assert pinned(home) == before
    assert home.akosha_hook("config", "get", "akosha_cloud_bucket").stdout.strip() == other.name
    outbox.record(paths, "post-commit", None, b"")
    assert home.work() == ""
    assert other.object_keys() == []
    assert home.events() != []


def test_install_pins_at_a_terminal_and_then_hooks_work_unattended(
    two: tuple[Home, TestBucket],
) -> None:
    home, other = two
    home.unpin()
    shown = at_terminal("install")
    assert "From now on, memories go to bucket" in shown
    assert pinned(home).by == "install"
    outbox.record(home.paths, "session-end", None, b"")
    assert home.work() == ""
    assert home.events() == []
    shown = at_terminal("install", typed="n\n", **exported(other))
    assert "[y/N]" in shown
    assert "confirm where memories go." in shown
    assert pinned(home).bucket != other.name


def test_install_yes_stands_for_the_person_but_not_under_an_agent(
    two: tuple[Home, TestBucket],
) -> None:
    home, other = two
    home.unpin()
    assert home.akosha_hook("install", "--yes", CLAUDECODE="1").returncode == 0
    assert pins.look(home.paths) is None
    assert home.akosha_hook("install").returncode == 0
    assert pins.look(home.paths) is None
    assert "From now on" in home.akosha_hook("install", "--yes").stderr
    assert pinned(home).by == "install --yes"
    home.akosha_hook("install", "--yes", **exported(other))
    assert pinned(home).bucket == other.name


def test_events_that_were_held_go_on_once_install_has_confirmed(
    two: tuple[Home, TestBucket],
) -> None:
    home, _ = two
    home.unpin()
    outbox.record(home.paths, "session-end", None, b"")
    assert home.work() == ""
    assert len(home.events()) == 1
    home.akosha_hook("install", "--yes")
    until(lambda: home.events() == [], "the worker uploads")
    home.wait_for_worker()
    assert home.receipts()[0].success


def test_a_pin_that_a_clone_brings_confirms_nothing(
    two: tuple[Home, TestBucket], tmp_path: Path
) -> None:
    """A project's environment leads to a state directory of its own, pin and interpreter included."""
    home, other = two
    evil = tmp_path / "clone" / ".claude"
    shutil.copytree(home.paths.claude, evil)
    document = msgspec.json.decode((evil / "akosha" / "pin.json").read_bytes())
    document |= {"host": "of-another-machine", "bucket": other.name}
    del document["checksum"]
    (evil / "akosha" / "pin.json").write_bytes(with_checksum(msgspec.json.encode(document)))
    mark = tmp_path / "it-ran"
    python = evil / "python"
    python.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    python.chmod(0o755)
    (evil / "akosha" / "interpreter").write_text(f"{python}\n")
    environ = {"CLAUDE_CONFIG_DIR": str(evil), **exported(other), "AKOSHA_PIN": "accept"}
    done = home.akosha_hook("sync", **environ)
    assert done.returncode == 3
    assert "is another machine's" in done.stderr
    (evil / "akosha" / "held.json").unlink()
    home.akosha_hook("sync", "--detach", **environ)
    until((evil / "akosha" / "held.json").exists, "the worker holds the event")
    (evil / "akosha" / "held.json").unlink()
    home.akosha_hook("run", "post-commit", **environ)
    until((evil / "akosha" / "held.json").exists, "the worker holds the event")
    assert other.object_keys() == []
    assert not mark.exists()


def test_a_settings_directory_that_a_variable_names_is_asked_about_first(
    two: tuple[Home, TestBucket], tmp_path: Path
) -> None:
    """As direnv would export it in a clone: the state there has no pin, only what came with it."""
    home, other = two
    assert home.akosha_hook("sync").returncode == 0
    clone = tmp_path / "clone"
    shutil.copytree(home.paths.receipts, clone / "akosha" / "receipts")
    for each in (clone / "akosha" / "receipts").glob("*.json"):
        # As 0.1.0 wrote them, without a checksum.
        document = msgspec.json.decode(each.read_bytes())
        del document["checksum"]
        document["destination"]["bucket"] = other.name
        for file in document["files"]:
            file["fingerprint"]["inode"] = 1
        each.write_bytes(msgspec.json.encode(document))
    environ = {
        "CLAUDE_CONFIG_DIR": str(clone),
        "SESSION_BUDDY_AKOSHA_DATA_DIR": str(home.paths.data),
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": home.bucket.server.endpoint if home.bucket else "",
        **exported(other),
    }
    for value in ("", "accept"):
        done = home.akosha_hook("sync", AKOSHA_PIN=value, **environ)
        assert done.returncode == 3
        assert "nothing was ever confirmed in" in done.stderr
    shown = at_terminal("sync", typed="n\n", **environ)
    assert "Send memories there from now on? [y/N]" in shown
    del environ["SESSION_BUDDY_AKOSHA_CLOUD_BUCKET"]
    shown = at_terminal("config", "set", "akosha_cloud_bucket", other.name, **environ)
    assert "memories do not go there before you confirm it" in shown
    assert other.object_keys() == []
    assert not (clone / "akosha" / "pin.json").exists()
    at_terminal("sync", typed="y\n", **environ)
    assert (clone / "akosha" / "pin.json").exists()


def test_install_without_a_bucket_says_that_none_is_set_and_what_to_type(paths: Paths) -> None:
    home = Home(paths)
    done = home.akosha_hook("install", "--yes")
    assert "No bucket is set yet." in done.stderr
    assert "From now on" not in done.stderr
    assert "akosha-hook config set akosha_cloud_bucket NAME" in done.stdout
    home.configure(akosha_force_method="http")
    paths.pin.unlink()
    assert (
        "From now on, memories go to the Akosha server"
        in home.akosha_hook("install", "--yes").stderr
    )
