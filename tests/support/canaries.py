"""Planted keys, tokens and memories, and where they must never appear."""

from __future__ import annotations

import base64

from akosha_hook.hook import outbox
from akosha_hook.state import progress_file
from tests.support.home import Home
from tests.support.waiting import until

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
        until(
            lambda: worker.poll() is not None or progress_file.read(home.paths).phase == "waiting",
            "the end of the worker, or its wait",
        )
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
