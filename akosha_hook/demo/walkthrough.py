"""The demo's story: install, end a session, make a commit, and prove what arrived.

Everything is the real thing but the place: a home that is thrown away, and a bucket on a real S3
server that listens on loopback only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import urllib3

from akosha_hook.demo.databases import add_conversations, make_databases
from akosha_hook.demo.s3_server import S3Server, s3_server
from akosha_hook.errors import AkoshaHookError
from akosha_hook.paths import Paths
from akosha_hook.state import receipt
from akosha_hook.util.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from minio import Minio

BUCKET = "session-buddy-memories"
SYSTEM = "demo-laptop"
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The throwaway home, what runs in it, and how the story is told."""

    home: Path
    server: S3Server
    say: Callable[[str], None]

    @property
    def environ(self) -> dict[str, str]:
        """A clean environment: no setting or key of the real one leaks into the demo."""
        kept = ("PATH", "LANG", "LC_ALL", "TERM", "TMPDIR", "COLUMNS", "NO_COLOR")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    @property
    def paths(self) -> Paths:
        return Paths(
            claude=self.home / ".claude",
            user_toml=self.home / ".config" / "akosha-hook" / "config.toml",
        )

    @property
    def repository(self) -> Path:
        return self.home / "project"


def tell(home: Path, say: Callable[[str], None]) -> None:
    """Run the whole story in the empty directory `home`; raises AkoshaHookError if it goes wrong."""
    say("A throwaway home, Session-Buddy's two databases in it, and an S3 server on loopback.")
    with s3_server(home / "server") as server:
        stage = Stage(home, server, say)
        try:
            _prepare(stage)
            _install(stage)
            _end_a_session(stage)
            _commit(stage)
            _show_status(stage)
            _prove(stage)
        finally:
            _wait_for_the_worker_to_leave(stage.paths)
    say("")
    say("Done: nothing is left running, and the throwaway home is gone.")
    say("Yours is next: akosha-hook install, then name your bucket (see the README).")


def _prepare(stage: Stage) -> None:
    make_databases(stage.paths.data, conversations=400)
    for path in sorted(stage.paths.data.iterdir()):
        stage.say(f"  {_short(stage, path)}  {path.stat().st_size:,} bytes")
    stage.say(f"  {stage.server.name} at {stage.server.endpoint}, bucket {BUCKET}")
    _client(stage.server).make_bucket(BUCKET)
    settings = stage.paths.settings_yaml
    settings.parent.mkdir(parents=True)
    settings.write_text(
        f'akosha_cloud_bucket: "{BUCKET}"\n'
        f'akosha_cloud_endpoint: "{stage.server.endpoint}"\n'
        f'akosha_system_id: "{SYSTEM}"\n'
        "akosha_min_interval_seconds: 0  # usually 900: commits upload at most every 15 minutes\n"
        "akosha_settle_seconds: 0.2\n"
    )
    credentials = stage.home / ".aws" / "credentials"
    credentials.parent.mkdir()
    credentials.touch(mode=0o600)
    credentials.write_text(
        "[default]\n"
        f"aws_access_key_id = {stage.server.access_key}\n"
        f"aws_secret_access_key = {stage.server.secret_key}\n"
    )
    _git(stage, "init", "--quiet", str(stage.repository), directory=stage.home)
    _git(stage, "config", "user.name", "Demo")
    _git(stage, "config", "user.email", "demo@localhost")


def _install(stage: Stage) -> None:
    stage.say("")
    stage.say("$ akosha-hook install          (hooks for Claude Code)")
    stage.say("$ akosha-hook install --git    (hooks for this repository)")
    _ours(stage, "install")
    _ours(stage, "install", "--git")


def _end_a_session(stage: Stage) -> None:
    command = _session_end_command(stage.paths)
    event = json.dumps(
        {
            "session_id": "demo",
            "transcript_path": str(stage.home / "transcript.jsonl"),
            "cwd": str(stage.repository),
            "hook_event_name": "SessionEnd",
            "reason": "prompt_input_exit",
        }
    )
    stage.say("")
    stage.say("A Claude Code session ends, and its hook fires:")
    started = time.perf_counter()
    _run(["/bin/sh", "-c", command], stage, stdin=event.encode())
    stage.say(f"  the hook was back after {_milliseconds(started)}; the worker goes on alone")
    _tell_upload(stage, _await_upload(stage.paths, 1))
    # It looks at the databases once more, and they are about to be written.
    _wait_for_the_worker_to_leave(stage.paths)


def _commit(stage: Stage) -> None:
    import duckdb

    with duckdb.connect(str(stage.paths.data / "reflection.duckdb")) as connection:
        add_conversations(connection, 10, start=400)
    (stage.repository / "notes.txt").write_text("ten new memories\n")
    _git(stage, "add", "notes.txt")
    stage.say("")
    stage.say("Ten new memories, then a commit:")
    stage.say('$ git commit -m "Take notes"')
    started = time.perf_counter()
    _git(stage, "commit", "--quiet", "-m", "Take notes")
    stage.say(f"  git was back after {_milliseconds(started)}")
    _tell_upload(stage, _await_upload(stage.paths, 2))


def _show_status(stage: Stage) -> None:
    _wait_for_the_worker_to_leave(stage.paths)
    stage.say("")
    stage.say("$ akosha-hook status")
    for line in _ours(stage, "status", directory=stage.repository).splitlines():
        stage.say("  " + line.replace(str(stage.home), "~"))


def _prove(stage: Stage) -> None:
    client = _client(stage.server)
    stage.say("")
    stage.say("In the bucket:")
    for each in client.list_objects(BUCKET, recursive=True):
        stage.say(f"  {each.size:>10,}  {each.object_name}")
    stage.say("")
    stage.say("$ akosha-hook restore --to ~/restored")
    restored = stage.home / "restored"
    _ours(stage, "restore", "--to", str(restored))
    live = sorted(path for path in stage.paths.data.iterdir() if path.is_file())
    for path in live:
        plain = (restored / path.name).read_bytes()
        if plain != path.read_bytes():
            raise AkoshaHookError(f"What was restored of {path.name} is not what it holds.")
        digest = hashlib.sha256(plain).hexdigest()
        stage.say(f"  equal  {path.name}  {len(plain):,} bytes  sha256 {digest[:16]}…")


def _tell_upload(stage: Stage, paper: receipt.Receipt) -> None:
    size = sum(file.size for file in paper.files if file.status == "uploaded")
    names = ", ".join(file.name for file in paper.files if file.status == "uploaded")
    stage.say(
        f"  uploaded {names}: {size:,} bytes as {paper.bytes_transferred:,} "
        f"in {paper.duration_seconds:.1f} s"
    )
    path = receipt.path_of(stage.paths, paper.upload_id)
    stage.say(f"  receipt: {_short(stage, path)}")


def _session_end_command(paths: Paths) -> str:
    """The command that Claude Code would run, from the settings that `install` wrote."""
    settings: dict[str, Any] = json.loads(paths.claude_settings.read_text())
    command = settings["hooks"]["SessionEnd"][0]["hooks"][0]["command"]
    assert isinstance(command, str)
    return command


def _await_upload(paths: Paths, count: int) -> receipt.Receipt:
    """The newest receipt once `count` uploads are done."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        done = [each for each in receipt.newest_first(paths) if each.state != "uploading"]
        if done and done[0].error:
            raise AkoshaHookError(done[0].error, hint=done[0].hint)
        if len(done) >= count:
            return done[0]
        time.sleep(0.05)
    raise AkoshaHookError("The worker left no receipt.", hint=_last_words(paths))


def _wait_for_the_worker_to_leave(paths: Paths) -> None:
    if not paths.state.is_dir():
        return
    lock = Lock(paths.worker_lock)
    deadline = time.monotonic() + WAIT_SECONDS
    while not lock.acquire():
        if time.monotonic() > deadline:
            raise AkoshaHookError("The worker did not end.", hint=_last_words(paths))
        time.sleep(0.05)
    lock.release()


def _last_words(paths: Paths) -> str:
    """The end of the worker's log, which goes with the throwaway home."""
    try:
        lines = paths.log.read_text(errors="replace").splitlines()
    except OSError:
        return "There is no log: the worker did not start."
    return "Its log ends: " + " / ".join(lines[-3:])


def _ours(stage: Stage, *arguments: str, directory: Path | None = None) -> str:
    command = [sys.executable, "-P", "-m", "akosha_hook", *arguments]
    return _run(command, stage, directory=directory or stage.repository)


def _git(stage: Stage, *arguments: str, directory: Path | None = None) -> None:
    _run(["git", *arguments], stage, directory=directory or stage.repository)


def _run(
    command: list[str], stage: Stage, *, stdin: bytes = b"", directory: Path | None = None
) -> str:
    result = subprocess.run(
        command,
        input=stdin,
        cwd=directory or stage.home,
        env=stage.environ,
        capture_output=True,
        check=False,
    )
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip()
        raise AkoshaHookError(f"{shlex.join(command)} failed: {said}")
    return result.stdout.decode(errors="replace")


def _client(server: S3Server) -> Minio:
    from minio import Minio

    return Minio(
        server.endpoint.removeprefix("http://"),
        server.access_key,
        server.secret_key,
        secure=False,
        region="us-east-1",
        http_client=urllib3.PoolManager(timeout=30),
    )


def _milliseconds(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"


def _short(stage: Stage, path: Path) -> str:
    return "~/" + str(path.relative_to(stage.home))


def check_environment(environ: Mapping[str, str]) -> None:
    """Raises AkoshaHookError where the demo has no git to commit with."""
    import shutil

    if shutil.which("git", path=environ.get("PATH")) is None:
        raise AkoshaHookError("The demo needs git.", hint="Install git, then try again.")
