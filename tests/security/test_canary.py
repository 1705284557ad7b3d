"""Planted keys, tokens and memories: after every success and failure they are nowhere but in the bucket."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook import duckdb_reader as rows
from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from akosha_hook.state import progress_file as watch
from akosha_hook.util import files
from akosha_hook.worker import loop
from tests.support.duck import make_databases
from tests.support.faults import faulty_proxy
from tests.support.home import Home
from tests.support.s3 import TestBucket

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A server that takes every connection and never says anything."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()
    for each in taken:
        each.close()


def test_after_servers_that_never_answer(at_home: Home, black_hole: str) -> None:
    at_home.configure(
        akosha_cloud_endpoint=black_hole,
        akosha_http_url=black_hole,
        akosha_upload_timeout_seconds=1,
        akosha_max_retries=0,
    )
    run_all(at_home, **KEYS)
    assert {each.error_code for each in at_home.receipts()} & {"timeout", "Timeout"}


def test_no_command_shows_what_a_server_sends_back(at_home: Home, httpserver: HTTPServer) -> None:
    import re

    said = f"<Code>Odd</Code><Message>{' '.join(KEYS.values())}</Message>"
    httpserver.expect_request(re.compile(".*")).respond_with_handler(
        lambda _: Response(f"<Error>{said}</Error>", 400, content_type="application/xml")
    )
    url = httpserver.url_for("").rstrip("/")
    at_home.configure(akosha_cloud_endpoint=url, akosha_http_url=url, akosha_keep_last=1)
    at_home.akosha_hook("sync", **KEYS)
    texts: list[str] = []
    for command in (
        ("doctor",),
        ("doctor", "--json"),
        ("status", "--check"),
        ("history", "--json"),
        ("ls", "--json"),
        ("verify", "--json"),
        ("restore", "--json", "--to", str(at_home.paths.claude / "restored")),
        ("restore", "20261122_120000_x"),
        ("prune", "--json"),
    ):
        done = at_home.akosha_hook(*command, **KEYS)
        # doctor gives a server that is slow to answer a few seconds only.
        asks_patiently = command[0] not in {"doctor", "status"}
        assert not asks_patiently or "Odd" in done.stdout + done.stderr, command
        texts += [done.stdout, done.stderr]
    assert_nowhere(at_home, *texts)


# Stands where a program of ours stands: writes down how it was started, as any other user's `ps`
# or our own /proc would show it, then becomes what it stands for.
SPY = """\
#!{python} -I
import json, os, sys
from pathlib import Path

def proc(name):
    try:
        return Path(f"/proc/self/{{name}}").read_bytes().decode(errors="replace").split(chr(0))
    except OSError:
        return []

seen = [proc("cmdline") or sys.argv, proc("environ"), [f"{{n}}={{v}}" for n, v in os.environ.items()]]
with open({seen!r}, "a") as file:
    file.write(json.dumps(seen) + "\\n")
"""


class Spies:
    """Programs that tell what they were started with; `seen` is what they told so far."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen = directory / "seen"

    def program(self, name: str, then: str) -> Path:
        path = self.directory / name
        path.write_text(SPY.format(python=sys.executable, seen=str(self._seen)) + then)
        path.chmod(0o755)
        return path

    def python(self) -> Path:
        real = sys.executable
        return self.program("python", f"os.execv({real!r}, [{real!r}, *sys.argv[1:]])\n")

    def seen(self) -> list[tuple[list[str], list[str], list[str]]]:
        if not self._seen.exists():
            return []
        return [tuple(json.loads(line)) for line in self._seen.read_text().splitlines()]


@pytest.fixture
def spies(tmp_path: Path) -> Spies:
    directory = tmp_path / "spies"
    directory.mkdir()
    return Spies(directory)


def assert_told_nothing(spies: Spies) -> None:
    assert spies.seen()
    for started in spies.seen():
        for text in (part for parts in started for part in parts):
            found = [each for each in CANARIES if each in text]
            assert not found, f"{found} in {text[:60]} of {started[0]}"


def test_no_program_that_a_sync_starts_gets_keys(
    at_home: Home, bucket: TestBucket, spies: Spies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's own environment has what the user exports; nothing that it starts does."""
    secret = json.dumps({"Version": 1, "AccessKeyId": ACCESS, "SecretAccessKey": SECRET})
    program = spies.program("keys", f"print({secret!r})\n")
    config = Path(os.environ["HOME"]) / ".aws" / "config"
    config.parent.mkdir()
    config.write_text(f"[profile work]\ncredential_process = {program}\n")
    config.chmod(0o600)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MINIO_SECRET_KEY", SECRET)
    monkeypatch.setenv("MC_HOST_x", f"https://x:{USERINFO}@storage.invalid")
    monkeypatch.setattr(sys, "executable", str(spies.python()))
    at_home.configure(
        akosha_cloud_bucket=bucket.name,
        akosha_cloud_endpoint=bucket.server.endpoint,
        akosha_aws_profile="work",
        akosha_enable_fallback=False,
        akosha_upload_timeout_seconds=90,
    )
    # Wrong keys, so that they are used and refused; then the right ones, so that rows are counted.
    for keys in ("theirs", "right"):
        if keys == "right":
            at_home.configure(akosha_aws_profile="")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.access_key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.server.secret_key)
            monkeypatch.delenv("AWS_SESSION_TOKEN")
        outbox.record(at_home.paths, "manual", at_home.paths.claude, b"{}")
        at_home.paths.backoff.unlink(missing_ok=True)
        monkeypatch.setattr(loop, "STAY_SECONDS", 0.0)
        loop.run(at_home.paths, dict(os.environ))
    assert [each.success for each in at_home.receipts()] == [True, False]
    started = " ".join(part for seen in spies.seen() for part in seen[0])
    assert str(program) in started
    assert "akosha_hook.duckdb_reader" in started
    assert_told_nothing(spies)
    every = " ".join(part for seen in spies.seen() for parts in seen for part in parts)
    assert bucket.server.secret_key not in every
    assert_nowhere(at_home)


def test_the_reading_child_gets_no_credentials(
    at_home: Home, monkeypatch: pytest.MonkeyPatch, spies: Spies
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", str(spies.python()))
    database = at_home.paths.data / "reflection.duckdb"
    assert rows.conversation_count(database, timeout_seconds=60.0) == 4
    assert rows.check(database, timeout_seconds=60.0) is None
    assert len(spies.seen()) == 2
    assert_told_nothing(spies)


def test_nothing_that_doctor_or_status_starts_gets_keys(
    at_home: Home, spies: Spies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git in the working directory, the installed script and its Python among it."""
    from tests.support.hooks import record_interpreter

    git = spies.program("git", "sys.exit(1)\n")
    at_home.configure(akosha_cloud_endpoint="http://127.0.0.1:9")
    record_interpreter(at_home.paths, spies.python())
    at_home.paths.bin.mkdir(parents=True)
    at_home.paths.hook_script.write_bytes(spies.program("hook", "").read_bytes())
    at_home.paths.hook_script.chmod(0o755)
    path = f"{git.parent}{os.pathsep}{os.environ['PATH']}"
    at_home.akosha_hook("doctor", PATH=path, **KEYS)
    at_home.akosha_hook("status", PATH=path, **KEYS)
    started = [" ".join(seen[0]) for seen in spies.seen()]
    assert sum(str(git) in each for each in started) >= 2
    assert any("import akosha_hook.worker" in each for each in started)
    assert_told_nothing(spies)


def test_while_an_upload_runs_no_process_shows_keys(at_home: Home, bucket: TestBucket) -> None:
    """From outside, as another user's `ps` or a look into /proc sees it."""
    with faulty_proxy(bucket.server.endpoint) as proxy:
        pause = proxy.pause("PutManifest")
        at_home.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=proxy.url)
        outbox.record(at_home.paths, "manual", at_home.paths.claude, b"{}")
        real = {
            "AWS_ACCESS_KEY_ID": bucket.server.access_key,
            "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
        }
        with at_home.start_worker(AKOSHA_TOKEN=TOKEN, **real) as worker:
            assert pause.arrived.wait(60)
            shown = _processes(worker.pid)
            pause.resume()
            worker.terminate()
    assert any("akosha_hook.worker" in each for each in shown)
    for each in shown:
        for key in (*CANARIES, *real.values()):
            assert key not in each


def _processes(pid: int) -> list[str]:
    """Command lines of a process and all it started, and the environments of the latter."""
    if not Path("/proc/self/cmdline").exists():
        done = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
        return [done.stdout]
    found = [_proc(pid, "cmdline")]
    known = {pid}
    for each in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        stat = _proc(each, "stat").rpartition(")")[2].split()
        if len(stat) > 1 and int(stat[1]) in known:
            known.add(each)
            found += [_proc(each, "cmdline"), _proc(each, "environ")]
    return found


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""


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
