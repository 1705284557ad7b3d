"""A destination that failed is not tried again before it is due, in whichever process."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.state import backoff
from akosha_hook.state.receipt import Target
from akosha_hook.util import log
from akosha_hook.util.secret import Secret
from tests.support.state_documents import TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

AKOSHA = Target(method="http", endpoint="http://localhost:8682", system_id="laptop")
NOW = 1_795_000_000.0


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def test_the_delay_doubles_up_to_an_hour(paths: Paths) -> None:
    delays = [backoff.failed(paths, TARGET, "no", "a").due - NOW for _ in range(11)]
    assert delays == [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert backoff.failures(paths, TARGET) == 11
    assert backoff.due(paths, TARGET, "a") == NOW + 3600


def test_a_success_and_a_destination_without_failures_are_due_at_once(paths: Paths) -> None:
    assert backoff.due(paths, TARGET, "a") == 0
    backoff.failed(paths, TARGET, "no", "a")
    assert backoff.due(paths, AKOSHA, "a") == 0
    backoff.succeeded(paths, TARGET)
    assert backoff.due(paths, TARGET, "a") == 0
    assert backoff.failures(paths, TARGET) == 0


def test_destinations_fail_each_for_itself(paths: Paths) -> None:
    backoff.failed(paths, TARGET, "no", "a")
    backoff.failed(paths, AKOSHA, "no", "a")
    backoff.failed(paths, AKOSHA, "no", "a")
    backoff.succeeded(paths, TARGET)
    assert (backoff.failures(paths, TARGET), backoff.failures(paths, AKOSHA)) == (0, 2)


def test_other_settings_or_credentials_make_an_old_failure_meaningless(paths: Paths) -> None:
    for _ in range(3):
        backoff.failed(paths, TARGET, "no", "before")
    assert backoff.due(paths, TARGET, "after") == 0
    assert backoff.failed(paths, TARGET, "no", "after").failures == 1


def test_a_due_time_further_ahead_than_any_backoff_is_a_clock_that_was_set_back(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff.failed(paths, TARGET, "no", "a")
    monkeypatch.setattr(time, "time", lambda: NOW - 86_400)
    assert backoff.due(paths, TARGET, "a") == 0


def test_the_hash_changes_with_settings_and_credentials_and_reveals_neither() -> None:
    settings = Settings(akosha_cloud_bucket="memories")
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "canary"}
    hashes = {
        backoff.config_hash(settings, {}),
        backoff.config_hash(settings, keys),
        backoff.config_hash(settings, {**keys, "AWS_SECRET_ACCESS_KEY": "another"}),
        backoff.config_hash(settings, {"AWS_CONFIG_FILE": "/elsewhere"}),
        backoff.config_hash(Settings(akosha_cloud_bucket="other"), {}),
    }
    assert len(hashes) == 5
    assert not any("canary" in each for each in hashes)
    assert backoff.config_hash(settings, keys) == backoff.config_hash(settings, {**keys, "X": "y"})


@pytest.mark.parametrize("name", [".aws/credentials", ".aws/config", ".mc/config.json", "mine"])
def test_the_hash_changes_when_a_file_with_credentials_does(tmp_path: Path, name: str) -> None:
    environ = {"HOME": str(tmp_path), "AWS_PROFILE": "x"}
    if name == "mine":
        environ["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / name)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    hashes = [backoff.config_hash(Settings(), environ)]
    for text in ("wrong", "right"):
        path.write_text(text)
        os.utime(path, ns=(len(hashes), len(hashes)))
        hashes.append(backoff.config_hash(Settings(), environ))
    assert len(set(hashes)) == 3
    assert backoff.config_hash(Settings(), environ) == hashes[-1]


def test_the_hash_changes_with_the_aliases_of_mc() -> None:
    alias = {"MC_HOST_store": "http://key:canary@127.0.0.1:9000"}
    assert backoff.config_hash(Settings(), alias) != backoff.config_hash(Settings(), {})


def test_the_file_keeps_the_names_of_0_1_and_no_secret(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    log.configure(paths)
    log.protect(Secret("canary/secret+0123456789"))
    backoff.failed(paths, TARGET, "echoed canary/secret+0123456789", "hash")
    document = json.loads(paths.backoff.read_text())
    assert document == {
        f"cloud {TARGET.endpoint} memories laptop": {
            "due": NOW + 15,
            "failures": 1,
            "reason": "echoed ***",
            "circumstances": "hash",
        }
    }
