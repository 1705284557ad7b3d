"""Planted keys, tokens and memories: after every success and failure they are nowhere but in the bucket."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook import files, outbox, rows, watch
from akosha_hook.demo.databases import make_databases
from akosha_hook.paths import Paths
from tests.support.home import Home
from tests.support.s3 import TestBucket

if TYPE_CHECKING:
    from werkzeug import Request

MEMORY = "canary-memory-nobody-may-read"
ACCESS = "canary-access-0123456789"
SECRET = "canary/secret+0123456789"
SESSION = "canary-session-0123456789"
TOKEN = "canary-token-0123456789"
PROXY = "canary-proxy-0123456789"
USERINFO = "canary-userinfo-0123456789"
CANARIES = (MEMORY, ACCESS, SECRET, SESSION, TOKEN, PROXY, USERINFO)
KEYS = {
    "AWS_ACCESS_KEY_ID": ACCESS,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SESSION,
    "AKOSHA_TOKEN": TOKEN,
}


@pytest.fixture
def at_home(paths: Paths) -> Home:
    make_databases(paths.data, conversations=3)
    with duckdb.connect(str(paths.data / "reflection.duckdb")) as connection:
        connection.execute("INSERT INTO conversations_v2 (id, content) VALUES ('x', ?)", [MEMORY])
    home = Home(paths)
    home.configure(
        akosha_settle_seconds=0,
        akosha_min_interval_seconds=0,
        akosha_max_retries=1,
        akosha_retry_backoff_seconds=0,
        akosha_upload_timeout_seconds=20,
        enable_debug_mode=True,
        log_level="DEBUG",
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://127.0.0.1:9",
        akosha_http_url="http://127.0.0.1:9",
    )
    return home


def run_all(home: Home, **environ: str) -> None:
    """A sync by hand, one as JSON, one in the background, and every look at what happened."""
    texts: list[str] = []
    for arguments in (("sync",), ("sync", "--json")):
        done = home.akosha_hook(*arguments, **environ)
        texts += [done.stdout, done.stderr]
    outbox.record(home.paths, "session-end", home.paths.claude, b"{}")
    outbox.record(home.paths, "manual", home.paths.claude, b"{}")
    home.paths.backoff.unlink(missing_ok=True)
    with home.start_worker(**environ) as worker:
        assert worker.stdout is not None
        while worker.poll() is None and watch.read(home.paths).phase != "waiting":
            time.sleep(0.05)
        # One that waits for a better moment is not waited for.
        worker.terminate()
        texts.append(worker.stdout.read().decode())
    for command in (("status",), ("status", "--json"), ("config", "show"), ("logs", "-n", "999")):
        done = home.akosha_hook(*command, **environ)
        texts += [done.stdout, done.stderr]
    assert_nowhere(home, *texts)


def assert_nowhere(home: Home, *texts: str) -> None:
    everything = {f"output {number}": text.encode() for number, text in enumerate(texts)}
    for path in home.paths.claude.rglob("*"):
        inside = path.relative_to(home.paths.claude).parts
        # The databases and their frozen copies hold the memories, the settings what a test put there.
        if path.is_file() and inside[0] not in {"data", "settings"} and "snapshots" not in inside:
            everything[str(path)] = path.read_bytes()
    assert any(name.endswith("akosha.log") for name in everything)
    for name, content in everything.items():
        for canary in CANARIES:
            basic = base64.b64encode(canary.encode()).rstrip(b"=")
            assert canary.encode() not in content, f"{canary} is in {name}"
            assert basic not in content, f"{canary} is in {name}, in base64"


def test_after_a_success(at_home: Home, bucket: TestBucket) -> None:
    server = bucket.server
    at_home.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=server.endpoint)
    real = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    run_all(at_home, AKOSHA_TOKEN=TOKEN, **real)
    assert [each.success for each in at_home.receipts()] == [True]
    for key in bucket.object_keys():
        if key.endswith("manifest.json"):
            stored = bucket.read(key)
            assert MEMORY.encode() not in stored
            assert server.secret_key.encode() not in stored


def test_after_wrong_keys(at_home: Home, bucket: TestBucket) -> None:
    at_home.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=bucket.server.endpoint)
    run_all(at_home, **KEYS)
    assert not any(each.success for each in at_home.receipts())


def test_after_a_refused_connection_and_a_fallback_that_fails_too(at_home: Home) -> None:
    run_all(at_home, **KEYS)
    assert {each.method for each in at_home.receipts()} == {"cloud", "http"}


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "application/xml"), (403, "text/xml"), (500, "text/html")]
)
def test_after_answers_that_echo_what_was_sent(
    at_home: Home, httpserver: HTTPServer, kind: str, status: int
) -> None:
    """As RGW and others do; and one that echoes more than any server could know."""
    said = f"{ACCESS} {SECRET} {SESSION}"

    def echo(request: Request) -> Response:
        sent = f"{said} {request.headers.get('Authorization', '')}"
        if request.path == "/mcp" or request.path.startswith("/mcp/"):
            return Response(f"{TOKEN} {sent}", status, content_type="text/plain")
        code = f"<Code>Odd</Code><Message>{sent}</Message><RequestId>{ACCESS}</RequestId>"
        return Response(f"<Error>{code}</Error>", status, content_type=kind)

    import re

    httpserver.expect_request(re.compile(".*")).respond_with_handler(echo)
    url = httpserver.url_for("").rstrip("/")
    at_home.configure(akosha_cloud_endpoint=url, akosha_http_url=url)
    run_all(at_home, **KEYS)
    assert httpserver.log


def test_after_a_proxy_that_refuses(at_home: Home) -> None:
    at_home.configure(akosha_cloud_endpoint="https://storage.invalid", akosha_enable_fallback=False)
    proxy = f"http://user:{PROXY}@127.0.0.1:9"
    run_all(at_home, HTTPS_PROXY=proxy, HTTP_PROXY=proxy, **KEYS)


def test_after_credentials_in_the_wrong_place(at_home: Home) -> None:
    at_home.configure(
        akosha_cloud_endpoint=f"https://user:{USERINFO}@storage.invalid",
        akosha_secret_key=SECRET,
    )
    run_all(at_home, **KEYS)


def test_after_corrupt_state(at_home: Home) -> None:
    files.private_directory(at_home.paths.receipts)
    for path in (at_home.paths.machine, at_home.paths.progress, at_home.paths.regions):
        path.write_text("{")
    (at_home.paths.receipts / "x.json").write_text("[]")
    run_all(at_home, **KEYS)


def test_the_reading_child_gets_no_credentials(
    at_home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Seen from inside: a stand-in for its Python writes down what it was given."""
    seen = tmp_path / "seen.json"
    spy = tmp_path / "python"
    spy.write_text(
        f"#!{sys.executable} -I\nimport json, os, sys\n"
        f"json.dump([sys.argv, dict(os.environ)], open({str(seen)!r}, 'w'))\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
    )
    spy.chmod(0o755)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", str(spy))
    database = at_home.paths.data / "reflection.duckdb"
    assert rows.conversation_count(database, timeout_seconds=60.0) == 4
    arguments, environ = json.loads(seen.read_text())
    assert not set(KEYS) & set(environ)
    assert not [each for each in CANARIES if each in " ".join([*arguments, *environ.values()])]


def test_what_was_left_open_to_others_is_closed_and_said(at_home: Home) -> None:
    at_home.akosha_hook("sync", **KEYS)
    loose = [at_home.paths.log, at_home.paths.progress, at_home.paths.machine]
    for path in loose:
        path.chmod(0o644)
    for directory in (at_home.paths.state, at_home.paths.receipts):
        directory.chmod(0o755)
    at_home.akosha_hook("sync", **KEYS)
    for path in [at_home.paths.state, *at_home.paths.state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert "was open to others" in at_home.paths.log.read_text()


def test_symlinks_in_the_state_directory_are_not_written_through(
    at_home: Home, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    files.private_directory(at_home.paths.state)
    state = at_home.paths
    for path in (
        state.log,
        state.progress,
        state.machine,
        state.backoff,
        state.notice,
        state.regions,
    ):
        path.symlink_to(victim)
    at_home.akosha_hook("sync", **KEYS)
    assert victim.read_text() == "precious"
