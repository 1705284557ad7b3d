"""The demo's walkthrough: install, end a session, make a commit, and prove what was uploaded.

Everything is real except the place: a temporary home, and a bucket on a real S3 server that listens
on loopback only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from typing import TYPE_CHECKING, Any

from akosha_hook.demo.databases import add_conversations, make_databases
from akosha_hook.demo.s3_server import s3_server
from akosha_hook.demo.stage import Stage
from akosha_hook.errors import AkoshaHookError
from akosha_hook.state.receipts import Receipts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Receipt

BUCKET = "session-buddy-memories"
SYSTEM = "demo-laptop"


def check_environment(environ: Mapping[str, str]) -> None:
    """Raises AkoshaHookError if there is no git for the demo to commit with."""
    if shutil.which("git", path=environ.get("PATH")) is None:
        raise AkoshaHookError("The demo needs git.", hint="Install git, then try again.")


def run(home: Path, say: Callable[[str], None]) -> None:
    """Run the whole walkthrough in the empty directory `home`.

    Raises AkoshaHookError if a step fails.
    """
    say("A temporary home, Session-Buddy's two databases in it, and an S3 server on loopback.")
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
            stage.wait_for_worker()
    say("")
    say("Done: nothing is left running, and the temporary home is gone.")
    say("To set up yours: akosha-hook install, then set your bucket (see the README).")


def _prepare(stage: Stage) -> None:
    make_databases(stage.paths.data, conversations=400)
    for path in sorted(stage.paths.data.iterdir()):
        stage.say(f"  {stage.short(path)}  {path.stat().st_size:,} bytes")
    stage.say(f"  {stage.server.name} at {stage.server.endpoint}, bucket {BUCKET}")
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
    stage.bucket().create_bucket()
    stage.git("init", "--quiet", str(stage.repository), directory=stage.home)
    stage.git("config", "user.name", "Demo")
    stage.git("config", "user.email", "demo@localhost")


def _install(stage: Stage) -> None:
    stage.say("")
    stage.say("$ akosha-hook install --yes    (hooks for Claude Code)")
    stage.say("$ akosha-hook install --git    (hooks for this repository)")
    stage.akosha_hook("install", "--yes")
    stage.akosha_hook("install", "--git")


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
    stage.say("A Claude Code session ends, and its hook runs:")
    started = time.perf_counter()
    stage.run(["/bin/sh", "-c", command], stdin=event.encode())
    stage.say(f"  the hook returned after {_milliseconds(started)}; the worker continues alone")
    _show_upload(stage, stage.wait_for_upload(1))
    # The worker looks at the databases once more, and the next step writes to them.
    stage.wait_for_worker()


def _commit(stage: Stage) -> None:
    import duckdb

    with duckdb.connect(str(stage.paths.data / "reflection.duckdb")) as connection:
        add_conversations(connection, 10, start=400)
    (stage.repository / "notes.txt").write_text("ten new memories\n")
    stage.git("add", "notes.txt")
    stage.say("")
    stage.say("Ten new memories, then a commit:")
    stage.say('$ git commit -m "Take notes"')
    started = time.perf_counter()
    stage.git("commit", "--quiet", "-m", "Take notes")
    stage.say(f"  git returned after {_milliseconds(started)}")
    _show_upload(stage, stage.wait_for_upload(2))


def _show_status(stage: Stage) -> None:
    stage.wait_for_worker()
    stage.say("")
    stage.say("$ akosha-hook status")
    for line in stage.akosha_hook("status").splitlines():
        stage.say("  " + line.replace(str(stage.home), "~"))


def _prove(stage: Stage) -> None:
    stage.say("")
    stage.say("In the bucket:")
    for each in stage.bucket().objects(""):
        stage.say(f"  {each.size:>10,}  {each.key}")
    stage.say("")
    stage.say("$ akosha-hook restore --to ~/restored")
    restored = stage.home / "restored"
    stage.akosha_hook("restore", "--to", str(restored))
    live = sorted(path for path in stage.paths.data.iterdir() if path.is_file())
    for path in live:
        plain = (restored / path.name).read_bytes()
        if plain != path.read_bytes():
            raise AkoshaHookError(f"The restored {path.name} differs from the original.")
        digest = hashlib.sha256(plain).hexdigest()
        stage.say(f"  equal  {path.name}  {len(plain):,} bytes  sha256 {digest[:16]}…")


def _show_upload(stage: Stage, receipt: Receipt) -> None:
    uploaded = [file for file in receipt.files if file.status == "uploaded"]
    size = sum(file.size for file in uploaded)
    names = ", ".join(file.name for file in uploaded)
    stage.say(
        f"  uploaded {names}: {size:,} bytes as {receipt.bytes_transferred:,} "
        f"in {receipt.duration_seconds:.1f} s"
    )
    path = Receipts(stage.paths).path_of(receipt.upload_id)
    stage.say(f"  receipt: {stage.short(path)}")


def _session_end_command(paths: Paths) -> str:
    """The command that Claude Code would run, from the settings that `install` wrote."""
    settings: dict[str, Any] = json.loads(paths.claude_settings.read_text())
    command = settings["hooks"]["SessionEnd"][0]["hooks"][0]["command"]
    assert isinstance(command, str)
    return command


def _milliseconds(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"
