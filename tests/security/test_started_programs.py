"""No program that akosha-hook starts gets keys, in its environment or on its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook import duckdb_reader as rows
from akosha_hook.hook import outbox
from akosha_hook.worker import loop
from tests.support.canaries import (
    ACCESS,
    CANARIES,
    KEYS,
    SECRET,
    TOKEN,
    USERINFO,
    assert_nowhere,
)
from tests.support.faults import faulty_proxy
from tests.support.home import Home
from tests.support.s3 import TestBucket

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
    """Programs that note how they were started; `seen` is what was noted so far."""

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


def assert_no_secret_seen(spies: Spies) -> None:
    assert spies.seen()
    for started in spies.seen():
        for text in (part for parts in started for part in parts):
            shown = [each for each in CANARIES if each in text]
            assert not shown, f"{shown} in {text[:60]} of {started[0]}"


def test_no_program_that_a_sync_starts_gets_keys(
    planted: Home, bucket: TestBucket, spies: Spies, monkeypatch: pytest.MonkeyPatch
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
    planted.configure(
        akosha_cloud_bucket=bucket.name,
        akosha_cloud_endpoint=bucket.server.endpoint,
        akosha_aws_profile="work",
        akosha_enable_fallback=False,
        akosha_upload_timeout_seconds=90,
    )
    # Wrong keys, so that they are used and refused; then the right ones, so that rows are counted.
    for keys in ("theirs", "right"):
        if keys == "right":
            planted.configure(akosha_aws_profile="")
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.access_key)
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.server.secret_key)
            monkeypatch.delenv("AWS_SESSION_TOKEN")
        outbox.record(planted.paths, "manual", planted.paths.claude, b"{}")
        planted.paths.backoff.unlink(missing_ok=True)
        monkeypatch.setattr(loop, "STAY_SECONDS", 0.0)
        loop.run(planted.paths, dict(os.environ))
    assert [each.success for each in planted.receipts()] == [True, False]
    started = " ".join(part for seen in spies.seen() for part in seen[0])
    assert str(program) in started
    assert "akosha_hook.duckdb_reader" in started
    assert_no_secret_seen(spies)
    every = " ".join(part for seen in spies.seen() for parts in seen for part in parts)
    assert bucket.server.secret_key not in every
    assert_nowhere(planted)


def test_the_reading_child_gets_no_credentials(
    planted: Home, monkeypatch: pytest.MonkeyPatch, spies: Spies
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", str(spies.python()))
    database = planted.paths.data / "reflection.duckdb"
    assert rows.conversation_count(database, timeout_seconds=60.0) == 4
    assert rows.check(database, timeout_seconds=60.0) is None
    assert len(spies.seen()) == 2
    assert_no_secret_seen(spies)


def test_nothing_that_doctor_or_status_starts_gets_keys(
    planted: Home, spies: Spies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git in the working directory, the installed script and its Python among it."""
    from tests.support.hooks import record_interpreter

    git = spies.program("git", "sys.exit(1)\n")
    planted.configure(akosha_cloud_endpoint="http://127.0.0.1:9")
    record_interpreter(planted.paths, spies.python())
    planted.paths.bin.mkdir(parents=True)
    planted.paths.hook_script.write_bytes(spies.program("hook", "").read_bytes())
    planted.paths.hook_script.chmod(0o755)
    path = f"{git.parent}{os.pathsep}{os.environ['PATH']}"
    planted.akosha_hook("doctor", PATH=path, **KEYS)
    planted.akosha_hook("status", PATH=path, **KEYS)
    started = [" ".join(seen[0]) for seen in spies.seen()]
    assert sum(str(git) in each for each in started) >= 2
    assert any("import akosha_hook.worker" in each for each in started)
    assert_no_secret_seen(spies)


def test_while_an_upload_runs_no_process_shows_keys(planted: Home, bucket: TestBucket) -> None:
    """From outside, as another user's `ps` or a look into /proc sees it."""
    with faulty_proxy(bucket.server.endpoint) as proxy:
        pause = proxy.pause("PutManifest")
        planted.configure(akosha_cloud_bucket=bucket.name, akosha_cloud_endpoint=proxy.url)
        outbox.record(planted.paths, "manual", planted.paths.claude, b"{}")
        real = {
            "AWS_ACCESS_KEY_ID": bucket.server.access_key,
            "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
        }
        with planted.start_worker(AKOSHA_TOKEN=TOKEN, **real) as worker:
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
    texts = [_proc(pid, "cmdline")]
    known = {pid}
    for each in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
        stat = _proc(each, "stat").rpartition(")")[2].split()
        if len(stat) > 1 and int(stat[1]) in known:
            known.add(each)
            texts += [_proc(each, "cmdline"), _proc(each, "environ")]
    return texts


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:
        return ""
