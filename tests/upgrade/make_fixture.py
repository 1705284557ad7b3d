"""Makes `v0.1.0.tar.gz`, what version 0.1.0 leaves behind: run once, when that version was current.

    .venv/bin/python -m tests.upgrade.make_fixture CHECKOUT

CHECKOUT holds commit 817786b and a virtual environment `.venv` with `pip install -e .`; its
`akosha-hook` does everything. This tree only lends the S3 server, the proxy and the Akosha server.

A home with two small databases, hooks in Claude Code's settings and in a git repository, both with
somebody else's entries before. Then, in this order: an upload after a commit, which is full, with
the pruning that follows; a delta by hand; a push to an Akosha server; a verification; a commit whose
upload fails; and a session's end, at which the worker uploads a large database and is killed when the
first part is stored.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from akosha_hook.demo.databases import add_conversations, make_databases
from akosha_hook.demo.s3_server import free_ports, s3_server
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.faults import Exchange, FaultyProxy, error, faulty_proxy, passed
from tests.support.s3 import TestBucket, make_bucket
from tests.support.waiting import until
from tests.upgrade.archive import (
    ABOUT,
    ARCHIVE,
    BUCKET,
    HOME,
    ORIGINAL,
    Member,
    Members,
    pack,
    rewritten,
    text_of,
)

if TYPE_CHECKING:
    pass

REFLECTION, GRAPH, BIG = "reflection.duckdb", "knowledge_graph.duckdb", "knowledge_graph_old.duckdb"
# More than three parts of 5 MiB.
BIG_ROWS = 2750
SYSTEM = "laptop"
# What only 0.1.0 has: this tree has the same version while it is not released.
ONLY_THERE = "akosha_hook.watch"

CLAUDE_SETTINGS = """\
{
    "model": "opus",
    "permissions": {"allow": ["Bash(git status:*)"], "deny": []},
    "hooks": {
        "SessionEnd": [{"hooks": [{"type": "command", "command": "echo bye >/dev/null"}]}],
        "PostToolUse": [
            {"matcher": "Edit", "hooks": [{"type": "command", "command": "true"}]}
        ]
    },

    "statusLine": {"type": "command", "command": "true"}
}
"""
POST_COMMIT = """\
#!/bin/sh
# Notes every commit.
git log -1 --format=%s >>.git/commits
"""


@dataclass
class Maker:
    """A home at `home`, and 0.1.0's commands in it."""

    checkout: Path
    home: Path
    proxy: FaultyProxy
    akosha: str
    settings: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> str:
        return str(self.checkout / ".venv" / "bin" / "python")

    @property
    def state(self) -> Path:
        return self.home / ".claude" / "akosha"

    @property
    def data(self) -> Path:
        return self.home / ".claude" / "data"

    @property
    def notes(self) -> Path:
        """The git repository."""
        return self.home / "notes"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *command: str, cwd: Path | None = None, stdin: bytes = b"") -> str:
        done = subprocess.run(
            command,
            check=False,
            cwd=cwd or self.home,
            env=self.environ,
            input=stdin,
            capture_output=True,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout.decode()

    def akosha_hook(self, *arguments: str, cwd: Path | None = None) -> str:
        return self.run(self.python, "-P", "-m", "akosha_hook", *arguments, cwd=cwd)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        return self.run("git", *identity, *arguments, cwd=self.notes)

    def configure(self, **settings: object) -> None:
        self.settings |= settings
        path = self.home / ".claude" / "settings" / "session-buddy.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{name}: {json.dumps(value)}\n" for name, value in self.settings.items())
        path.write_text("".join(lines))

    def progress(self) -> dict[str, Any]:
        path = self.state / "progress.json"
        return json.loads(path.read_bytes()) if path.exists() else {}

    def commit(self, message: str, phase: str) -> None:
        """A commit, and the sync that its hook leads to; the worker is in `phase` afterwards."""
        before = self.progress().get("last")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")

        def has_worked() -> bool:
            now = self.progress()
            return now.get("phase") == phase and now["last"] != before

        until(has_worked, f"the sync for the commit {message}")

    def events(self) -> list[Path]:
        return list((self.state / "outbox").glob("*.event"))

    def receipts(self) -> list[dict[str, Any]]:
        paths = sorted((self.state / "receipts").glob("*.json"))
        return [json.loads(each.read_bytes()) for each in paths]

    def digests(self) -> dict[str, str]:
        paths = sorted(self.data.glob("*.duckdb"))
        return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in paths}

    def note_headers(self, exchange: Exchange) -> None:
        """Remember with which headers the multipart upload was begun."""
        for line in exchange.head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower().startswith(("content-type", "x-amz-meta-", "cache-control")):
                self.headers[name] = value
        passed(exchange)


def prepare(maker: Maker) -> Members:
    """The home before 0.1.0 is installed; the files that it is going to change."""
    settings = maker.home / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(CLAUDE_SETTINGS)
    settings.chmod(0o640)
    maker.notes.mkdir()
    maker.git("init", "--quiet", "--initial-branch=main", "--template=")
    hook = maker.notes / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir()
    hook.write_text(POST_COMMIT)
    hook.chmod(0o755)
    credentials = maker.home / ".aws" / "credentials"
    credentials.parent.mkdir()
    credentials.write_text(
        "[default]\naws_access_key_id = demo-access-key\naws_secret_access_key = demo-secret-key\n"
    )
    credentials.chmod(0o600)
    make_databases(maker.data, conversations=40)
    with duckdb.connect(str(maker.data / REFLECTION)) as connection:
        add_text(connection, "journal", 300)
    return {
        **members_of(settings.parent, ".claude/", only={"settings.json"}),
        **members_of(hook.parent, "notes/.git/hooks/"),
    }


def add_text(connection: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    """Rows of 5 KB each that DuckDB stores as they are, and gzip makes small."""
    connection.execute("PRAGMA force_compression = 'uncompressed'")
    connection.execute(f"CREATE TABLE {table} (id INTEGER, text VARCHAR)")
    connection.execute(
        f"INSERT INTO {table} SELECT n, repeat('page ' || n || ' of the journal; ', 250) "
        f"FROM range({rows}) AS r(n)"
    )


def make(maker: Maker, bucket: TestBucket) -> dict[str, Any]:
    """What 0.1.0 does; what there is to know about it."""
    maker.akosha_hook("install")
    maker.akosha_hook("install", "--git", cwd=maker.notes)
    maker.configure(
        akosha_cloud_bucket=bucket.name,
        akosha_cloud_endpoint=maker.proxy.url,
        akosha_system_id=SYSTEM,
        akosha_enable_fallback=False,
        akosha_http_url=maker.akosha,
        akosha_keep_last=50,
        akosha_max_retries=0,
        akosha_min_interval_seconds=0,
        akosha_parallel_uploads=1,
        akosha_settle_seconds=0,
    )
    databases: dict[str, dict[str, str]] = {}
    maker.commit("first", "idle")
    full = maker.receipts()[-1]["upload_id"]
    databases[full] = maker.digests()

    with duckdb.connect(str(maker.data / REFLECTION)) as connection:
        add_conversations(connection, 3, start=40)
    delta = json.loads(maker.akosha_hook("sync", "--json"))["upload_id"]
    databases[delta] = maker.digests()
    maker.akosha_hook("sync", "--method", "http")
    maker.akosha_hook("verify")

    with duckdb.connect(str(maker.data / REFLECTION)) as connection:
        add_conversations(connection, 2, start=43)
    maker.proxy.on(fault=error(403, "AccessDenied"))
    maker.commit("second", "waiting")
    maker.proxy.heal()
    # Other settings: the worker, which waits for its next try, tries at once when a session ends.
    maker.configure(akosha_enable_compression=False)
    with duckdb.connect(str(maker.data / BIG)) as connection:
        add_text(connection, "journal", BIG_ROWS)
    killed = kill_at_second_part(maker)
    databases[killed["upload_id"]] = maker.digests()
    # 0.1.0 asks for a bucket's region on AWS only, which is not to be had here.
    (maker.state / "regions.json").write_text('{\n  "s3.amazonaws.com memories": "eu-west-3"\n}\n')
    (maker.state / "regions.json").chmod(0o600)
    return {
        "uploads": {"full": full, "delta": delta, "interrupted": killed["upload_id"]},
        "databases": databases,
        "big": BIG,
        "multipart_headers": maker.headers,
    }


def kill_at_second_part(maker: Maker) -> dict[str, Any]:
    """End a session, and kill the worker when it sends the second part; the upload's receipt."""
    maker.proxy.on("CreateMultipartUpload", fault=maker.note_headers)
    pause = maker.proxy.pause("UploadPart", first=2)
    script = str(maker.state / "bin" / "akosha-hook.sh")
    maker.run(script, "session-end", cwd=maker.notes, stdin=b'{"reason": "exit"}')
    pause.wait()
    until(lambda: parts(maker.receipts()[-1]) == 1, "the first part's receipt")
    os.kill(maker.progress()["pid"], signal.SIGKILL)
    pause.drop()
    with (maker.state / "worker.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
    receipt = maker.receipts()[-1]
    assert receipt["state"] == "uploading"
    assert len(maker.events()) == 2
    return receipt


def parts(receipt: dict[str, Any]) -> int:
    return sum(len(each.get("parts", {})) for each in receipt.get("partial", {}).values())


def members_of(directory: Path, prefix: str, only: set[str] | None = None) -> Members:
    members: Members = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if only is not None and name not in only:
            continue
        assert not path.is_symlink(), path
        assert path.is_dir() or path.is_file(), path
        data = path.read_bytes() if path.is_file() else None
        members[prefix + name] = Member(data, path.stat().st_mode & 0o777)
    return members


def objects_of(bucket: TestBucket) -> tuple[Members, dict[str, dict[str, str]]]:
    """Everything in the bucket as it is stored, and the headers that it was stored with."""
    members: Members = {}
    headers: dict[str, dict[str, str]] = {}
    for key in bucket.object_keys():
        members[BUCKET + key] = Member(bucket.read(key), 0o600)
        stat = bucket.client.stat_object(bucket.name, key)
        headers[key] = {
            name.lower(): value
            for name, value in (stat.metadata or {}).items()
            if name.lower().startswith(
                ("content-type", "content-enc", "cache-control", "x-amz-meta")
            )
        }
    return members, headers


def without_traces(members: Members, maker: Maker, bucket: TestBucket) -> Members:
    """`members` with placeholders for what belongs to this machine and this run."""
    progress = json.loads(text_of(members[f"{HOME}.claude/akosha/progress.json"]) or "")
    values = {
        str(maker.home): "@HOME@",
        maker.python: "@PYTHON@",
        str(maker.checkout): "/opt/akosha-hook",
        maker.proxy.url: "@ENDPOINT@",
        bucket.name: "@NAME@",
        maker.akosha: "@AKOSHA@",
        f'"pid": {progress["pid"]},': '"pid": @PID@,',
        # The name of the machine, remembered although a setting has another.
        f'"system_id": "{socket.gethostname()}"': f'"system_id": "{SYSTEM}"',
        sys.base_prefix + "/": "/usr/",
    }

    def replace(text: str) -> str:
        for value, placeholder in values.items():
            text = text.replace(value, placeholder)
        return text

    members = rewritten(members, replace)
    names = {socket.gethostname(), getpass.getuser()} - {"root"}
    paths = (str(maker.home.parent), str(maker.checkout), str(Path.cwd()))
    for name, member in members.items():
        assert not any(path.encode() in (member.data or b"") for path in paths), name
        text = text_of(member) or ""
        assert not any(re.search(rf"\b{re.escape(each)}\b", text) for each in names), name
    return members


def main(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    subprocess.run([python, "-P", "-c", f"import {ONLY_THERE}"], check=True, cwd="/")
    os.umask(0o022)
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fixture-")))
        server = stack.enter_context(s3_server(root / "server", "seaweedfs"))
        proxy = stack.enter_context(faulty_proxy(server.endpoint))
        akosha = stack.enter_context(serve(AkoshaServer(free_ports(1)[0])))
        bucket = make_bucket(server, "memories-of-fixture")
        maker = Maker(checkout, root / "home", proxy, akosha.url)
        began = int(time.time())
        original = prepare(maker)
        about = make(maker, bucket)
        shutil.rmtree(maker.home / ".cache", ignore_errors=True)
        objects, headers = objects_of(bucket)
        about |= {"began": began, "ended": int(time.time()) + 1, "headers": headers}
        members: Members = {
            ABOUT: Member(json.dumps(about, indent=1).encode(), 0o600),
            **members_of(maker.home, HOME),
            **{ORIGINAL + name: member for name, member in original.items()},
            **objects,
        }
        pack(without_traces(members, maker, bucket), ARCHIVE)
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:,} bytes, {len(members)} members")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
