"""What calls us chooses among what the settings allow; only a user at a terminal goes beyond."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import akosha_hook
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.other_user import attacker, free_port, needs_another_user
from tests.test_mcp import call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.home import Home
    from tests.support.s3 import TestBucket
from tests.support.terminal import run_on_a_terminal

FORBIDDEN = [
    {"akosha_force_method": "cloud"},
    {"akosha_enable_fallback": False},
]


@pytest.fixture
def akosha() -> Iterator[AkoshaServer]:
    with serve(AkoshaServer(free_port())) as running:
        yield running


@pytest.mark.parametrize("settings", FORBIDDEN, ids=["force_method", "enable_fallback"])
def test_no_caller_pushes_what_the_settings_keep_back(
    planted: Home, akosha: AkoshaServer, home: Path, settings: dict[str, object]
) -> None:
    planted.configure(akosha_http_url=akosha.url, akosha_max_retries=0, **settings)
    arguments = {"method": "http", "enable_fallback": True}
    answers: list[dict[str, Any]] = [
        asyncio.run(akosha_hook.sync_to_akosha(**arguments)),  # type: ignore[arg-type]
        call(home, "sync_to_akosha", arguments).structured_content,
        json.loads(planted.akosha_hook("sync", "--json", "--method", "http").stdout),
        asyncio.run(akosha_hook.sync_to_akosha("auto", enable_fallback=True)),
    ]
    assert [each["success"] for each in answers] == [False] * 4
    for each in answers[:3]:
        assert next(iter(settings)) in each["error"]
    assert akosha.memories == {}
    assert akosha.requests == []


def test_no_caller_uploads_where_the_settings_say_akosha(planted: Home) -> None:
    planted.configure(akosha_force_method="http")
    answer = asyncio.run(akosha_hook.sync_to_akosha("cloud"))
    assert answer["error"].startswith("akosha_force_method is http")


def at_a_terminal(*arguments: str, typed: str = "", **environ: str) -> str:
    return run_on_a_terminal(list(arguments), {**os.environ, **environ}, typed=typed)


@pytest.mark.parametrize("settings", FORBIDDEN, ids=["force_method", "enable_fallback"])
def test_a_user_at_a_terminal_may_push_once(
    planted: Home, akosha: AkoshaServer, settings: dict[str, object]
) -> None:
    planted.configure(akosha_http_url=akosha.url, **settings)
    shown = at_a_terminal("sync", "--method", "http", typed="y\n")
    assert akosha.memories, shown


def test_an_agent_with_a_terminal_may_not(planted: Home, akosha: AkoshaServer) -> None:
    planted.configure(akosha_http_url=akosha.url, akosha_force_method="cloud")
    shown = at_a_terminal("sync", "--method", "http", typed="y\n", CLAUDECODE="1")
    assert "akosha_force_method is cloud" in " ".join(shown.split())
    assert akosha.requests == []


@contextmanager
def project(directory: Path, **env: str) -> Iterator[Path]:
    settings = directory / "project" / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"env": env}))
    yield settings.parent.parent


def test_a_projects_credentials_do_not_turn_an_upload_into_a_push(
    planted: Home, akosha: AkoshaServer, tmp_path: Path
) -> None:
    """The keys are gone, so the cloud fails; that must not be what sends the memories elsewhere."""
    planted.configure(akosha_http_url=akosha.url, akosha_max_retries=0)
    keys = {"AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "theirs"}
    with project(tmp_path, **keys) as directory:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "akosha_hook", "sync", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=directory,
            env={**os.environ, **keys, "CLAUDECODE": "1"},
            timeout=120,
            check=False,
        )
    document = json.loads(done.stdout)
    assert document["success"] is False
    assert document["method"] == "cloud"
    assert "No credentials were found" in document["error"]
    assert (
        "Nothing was pushed to Akosha instead: AWS_ACCESS_KEY_ID is not heeded"
        in (document["error"])
    )
    assert akosha.requests == []
    assert {each.method for each in planted.receipts()} == {"cloud"}


def test_a_projects_bucket_does_not_turn_an_upload_into_a_push(
    planted: Home, akosha: AkoshaServer, tmp_path: Path
) -> None:
    planted.configure(akosha_http_url=akosha.url, akosha_cloud_bucket="", akosha_max_retries=0)
    bucket = {"SESSION_BUDDY_AKOSHA_CLOUD_BUCKET": "mine"}
    with project(tmp_path, **bucket) as directory:
        # An event of that project, left to a worker.
        hook = subprocess.run(
            [sys.executable, "-P", "-m", "akosha_hook", "sync", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=directory,
            env={**os.environ, **bucket, "CLAUDECODE": "1"},
            timeout=120,
            check=False,
        )
    document = json.loads(hook.stdout)
    assert document["success"] is False
    assert "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET is not heeded" in document["error"]
    assert "akosha_force_method http" in document["hint"]
    assert akosha.requests == []


@needs_another_user
def test_a_fallback_to_another_users_listener_sends_nothing(planted: Home) -> None:
    with attacker() as other:
        planted.configure(akosha_http_url=f"http://localhost:{other.port}", akosha_max_retries=0)
        document = json.loads(
            planted.akosha_hook("sync", "--json", AKOSHA_TOKEN="top-secret-token").stdout
        )
        assert other.heard() == b""
    assert document["success"] is False
    errors = {each.method: each.error or "" for each in planted.receipts()}
    assert "belongs to another user of this machine" in errors["http"]


@needs_another_user
def test_status_tells_of_a_listener_of_another_user_after_the_next_success(
    planted: Home, bucket: TestBucket
) -> None:
    with attacker() as other:
        planted.configure(akosha_http_url=f"http://localhost:{other.port}", akosha_max_retries=0)
        planted.akosha_hook("sync", "--method", "http")
    planted.bucket = bucket
    planted.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=bucket.server.endpoint)
    assert planted.akosha_hook("sync").returncode == 0
    shown = planted.akosha_hook("status").stdout
    problems = shown.partition("\nProblems")[2]
    assert "belongs to another user of this machine" in problems
    run_on_a_terminal(["sync"], dict(os.environ))
    assert "another user" not in planted.akosha_hook("status").stdout.partition("\nProblems")[2]


def test_the_token_goes_only_where_a_url_was_set(
    planted: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the default URL anybody may listen; the same URL, set, is the user's own word."""
    from akosha_hook import settings
    from akosha_hook.akosha.client import probing
    from akosha_hook.util.retry import Deadline

    environ = {**os.environ, "AKOSHA_TOKEN": "top-secret-token"}

    def token() -> object:
        loaded = settings.load(environ, planted.paths)
        return probing.connect(
            loaded.settings, environ, Deadline(60), url_is_set=probing.url_is_set(loaded)
        ).token

    planted.configure(akosha_http_url=probing.DEFAULT_URL)
    assert token() is not None
    del planted.settings["akosha_http_url"]
    planted.configure()
    assert token() is None
