"""Whatever leads memories elsewhere, nothing is sent there, nothing is lost, and the user is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import outbox
from akosha_hook.settings.project import forget_projects
from akosha_hook.state import backoff
from akosha_hook.state import pin as pins
from akosha_hook.state.pin import Pin
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.hooks import fire, install_script, record_interpreter
from tests.support.installing import commit, repository
from tests.support.waiting import until

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket

PREFIX = "SESSION_BUDDY_AKOSHA_"


@pytest.fixture
def theirs(seaweedfs_buckets: tuple[TestBucket, TestBucket]) -> TestBucket:
    """A bucket that the user's keys open as well: a key of the attacker's would do too."""
    return seaweedfs_buckets[1]


@pytest.fixture
def at_home(paths: Paths, seaweedfs_buckets: tuple[TestBucket, TestBucket]) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, seaweedfs_buckets[0])
    home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_max_retries=0)
    install_script(paths)
    record_interpreter(paths, sys.executable)
    return home


def notice(home: Home) -> str:
    message = json.loads(home.paths.notice.read_text())["systemMessage"]
    assert isinstance(message, str)
    return message


def is_held(home: Home, theirs: TestBucket, *said: str) -> None:
    """Nothing was sent, the event waits, no server is blamed, and it is said at three places."""
    assert theirs.object_keys() == []
    assert home.receipts() == []
    assert len(home.events()) == 1
    assert backoff.entries(home.paths) == {}
    shown = json.loads(home.akosha_hook("status", "--json").stdout)
    told = " ".join(shown["problems"])
    for each in (*said, "but you confirmed"):
        assert each in notice(home)
        assert each in told
    assert "akosha-hook sync, typed at a terminal" in notice(home)


def goes_on(home: Home) -> None:
    """With an environment that fits, the next worker stores the state that the event saw."""
    assert home.work() == ""
    assert home.events() == []
    (receipt,) = home.receipts()
    assert home.bucket is not None
    assert (receipt.success, receipt.destination.bucket) == (True, home.bucket.name)
    assert not home.paths.notice.exists()


def exports(theirs: TestBucket, evil: str) -> dict[str, dict[str, str]]:
    return {
        "bucket": {"CLOUD_BUCKET": theirs.name},
        "no bucket": {"CLOUD_BUCKET": ""},
        "endpoint": {"CLOUD_ENDPOINT": evil},
        "akosha": {"HTTP_URL": evil},
        "akosha alone": {"FORCE_METHOD": "http", "HTTP_URL": evil},
        "data": {"DATA_DIR": "/etc"},
    }


@pytest.mark.parametrize(
    "what", ["bucket", "no bucket", "endpoint", "akosha", "akosha alone", "data"]
)
def test_what_a_shell_exports_is_held(
    at_home: Home, theirs: TestBucket, httpserver: HTTPServer, tmp_path: Path, what: str
) -> None:
    """As direnv does it: a project's variables in the shell in which the user commits."""
    evil = httpserver.url_for("").rstrip("/")
    changed = {PREFIX + name: value for name, value in exports(theirs, evil)[what].items()}
    stdin = json.dumps({"cwd": str(tmp_path)}).encode()
    environ = {**os.environ, **changed, "AKOSHA_PIN": "accept"}
    fired = fire(
        [at_home.paths.hook_script, "session-end"], cwd=tmp_path, environ=environ, stdin=stdin
    )
    assert (fired.stdout, fired.stderr) == (b"", b"")
    at_home.wait_for_worker()
    variable = next(name for name in changed if name != f"{PREFIX}FORCE_METHOD")
    is_held(at_home, theirs, f"(environment {variable})")
    assert httpserver.log == []
    goes_on(at_home)
    # `status` tells of it even so.
    told = json.loads(at_home.akosha_hook("status", "--json").stdout)
    assert told["hold"] is None
    assert variable in told["last_held"]["error"]
    assert any(variable in each for each in told["problems"])


def test_a_settings_directory_of_a_project_is_held(
    at_home: Home, theirs: TestBucket, tmp_path: Path
) -> None:
    config = tmp_path / "clone" / "akosha-hook" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'\nakosha_cloud_bucket = "{theirs.name}"\n')
    outbox.record(at_home.paths, "post-commit", None, b"")
    assert at_home.work(XDG_CONFIG_HOME=str(config.parent.parent)) == ""
    is_held(at_home, theirs, f"{config}:2")
    goes_on(at_home)


@pytest.mark.parametrize("name", ["config.yaml", "local.yaml"])
def test_session_buddys_settings_in_a_directory_of_a_project_are_held(
    at_home: Home, theirs: TestBucket, tmp_path: Path, name: str
) -> None:
    config = tmp_path / "clone" / "session-buddy" / name
    config.parent.mkdir(parents=True)
    config.write_text(f"cloud_sync:\n  cloud_bucket: {theirs.name}\n")
    outbox.record(at_home.paths, "post-commit", None, b"")
    assert at_home.work(XDG_CONFIG_HOME=str(config.parent.parent)) == ""
    is_held(at_home, theirs, f"{config}:2 cloud_sync.cloud_bucket")
    goes_on(at_home)


def test_a_relative_settings_directory_is_not_read(
    at_home: Home, theirs: TestBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "clone" / "config" / "session-buddy" / "config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(f"cloud_sync: {{cloud_bucket: {theirs.name}}}\n")
    monkeypatch.chdir(tmp_path / "clone")
    shown = at_home.akosha_hook("config", "get", "akosha_cloud_bucket", XDG_CONFIG_HOME="config")
    assert at_home.bucket is not None
    assert shown.stdout == f"{at_home.bucket.name}\n"


@pytest.mark.parametrize("name", ["session-buddy.yaml", "local.yaml"])
def test_an_edited_settings_file_is_held(at_home: Home, theirs: TestBucket, name: str) -> None:
    file = at_home.paths.claude / "settings" / name
    before = file.read_text() if file.exists() else ""
    kept = "".join(each for each in before.splitlines(True) if "bucket" not in each)
    file.write_text(f'akosha_cloud_bucket: "{theirs.name}"\n{kept}')
    outbox.record(at_home.paths, "post-commit", None, b"")
    # Again and again, and no waiting in between.
    for _ in range(3):
        assert at_home.work() == ""
    assert at_home.bucket is not None
    is_held(at_home, theirs, f"{file}:1", theirs.name, at_home.bucket.name)
    headline = at_home.akosha_hook("status").stdout
    assert "akosha_cloud_bucket is now" in headline
    doctor = json.loads(at_home.akosha_hook("doctor", "--json").stdout)["findings"]
    (finding,) = (each for each in doctor if each["name"] == "pin")
    assert finding["state"] == "problem"
    assert theirs.name in finding["detail"]
    file.write_text(before)
    goes_on(at_home)


def test_a_commit_of_an_agent_in_another_repository_is_held(
    at_home: Home, theirs: TestBucket, tmp_path: Path
) -> None:
    """`git -C` from a session in a hostile project: of its settings nothing is known there."""
    hostile = repository(tmp_path / "hostile")
    env = {f"{PREFIX}CLOUD_BUCKET": theirs.name}
    (hostile / ".claude").mkdir()
    (hostile / ".claude" / "settings.json").write_text(json.dumps({"env": env}))
    other = repository(tmp_path / "other")
    subprocess.run(
        [sys.executable, "-P", "-m", "akosha_hook", "install", "--git"], cwd=other, check=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(hostile)
        for name, value in (env | {"CLAUDECODE": "1"}).items():
            patch.setenv(name, value)
        commit(other, "by an agent")
    until(at_home.paths.notice.exists, "the worker holds the event")
    at_home.wait_for_worker()
    is_held(at_home, theirs, f"(environment {PREFIX}CLOUD_BUCKET)")
    goes_on(at_home)


def test_the_word_that_pins_is_a_variable_that_no_project_may_set(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    settings = {"env": {"AKOSHA_PIN": "accept"}}
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps(settings))
    environ = {"AKOSHA_PIN": "accept"}
    (told,) = forget_projects(environ, [tmp_path], claude=tmp_path / "elsewhere")
    assert "AKOSHA_PIN" not in environ
    assert told.startswith("AKOSHA_PIN is not heeded")


def test_without_a_pin_nothing_is_sent_unattended(at_home: Home, theirs: TestBucket) -> None:
    """As after installing the plugin: `akosha-hook sync` at a terminal comes first."""
    at_home.unpin()
    install_script(at_home.paths)
    outbox.record(at_home.paths, "session-end", None, b"")
    assert at_home.work() == ""
    assert at_home.receipts() == []
    assert len(at_home.events()) == 1
    assert "you have not confirmed yet that memories go to bucket" in notice(at_home)
    assert at_home.work(AKOSHA_PIN="accept") == ""
    assert at_home.events() == []
    pinned = pins.look(at_home.paths)
    assert isinstance(pinned, Pin)
    assert pinned.by == "AKOSHA_PIN=accept"
