"""The temporary home of the demo: running commands in it, and waiting for its worker."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.context import Context
from akosha_hook.errors import AkoshaHookError
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.util.lock import Lock
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from akosha_hook.demo.s3_server import S3Server
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.stores.s3.client import S3Client

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """The temporary home, the S3 server beside it, and how to print a line."""

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

    def short(self, path: Path) -> str:
        """`path` as a user of this home would write it."""
        return "~/" + str(path.relative_to(self.home))

    def bucket(self) -> S3Client:
        """The bucket of the settings in this home."""
        from akosha_hook import settings
        from akosha_hook.stores.s3.connect import open_client

        context = Context(settings.load_strict(self.environ, self.paths), self.paths, self.environ)
        return open_client(context, RetryPolicy(0, 0.0, Deadline(WAIT_SECONDS)))

    def akosha_hook(self, *arguments: str) -> str:
        """Run the command in the repository; what it printed."""
        command = [sys.executable, "-P", "-m", "akosha_hook", *arguments]
        return self.run(command, directory=self.repository)

    def git(self, *arguments: str, directory: Path | None = None) -> None:
        self.run(["git", *arguments], directory=directory or self.repository)

    def run(self, command: list[str], *, stdin: bytes = b"", directory: Path | None = None) -> str:
        """Its stdout; raises AkoshaHookError with its stderr if it fails."""
        result = subprocess.run(
            command,
            input=stdin,
            cwd=directory or self.home,
            env=self.environ,
            capture_output=True,
            check=False,
        )
        if result.returncode:
            errors = result.stderr.decode(errors="replace").strip()
            raise AkoshaHookError(f"{shlex.join(command)} failed: {errors}")
        return result.stdout.decode(errors="replace")

    def wait_for_upload(self, count: int) -> Receipt:
        """The newest receipt once `count` uploads are done; raises AkoshaHookError if one failed."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            done = [
                each for each in Receipts(self.paths).newest_first() if each.state != "uploading"
            ]
            if done and done[0].error:
                raise AkoshaHookError(done[0].error, hint=done[0].hint)
            if len(done) >= count:
                return done[0]
            time.sleep(POLL_SECONDS)
        raise AkoshaHookError("The worker left no receipt.", hint=self._end_of_log())

    def wait_for_worker(self) -> None:
        """Wait until no worker is running; raises AkoshaHookError if one does not end."""
        if not self.paths.state.is_dir():
            return
        lock = Lock(self.paths.worker_lock)
        deadline = time.monotonic() + WAIT_SECONDS
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise AkoshaHookError("The worker did not end.", hint=self._end_of_log())
            time.sleep(POLL_SECONDS)
        lock.release()

    def _end_of_log(self) -> str:
        """The log is deleted with the temporary home, so its last lines go into the message."""
        try:
            lines = self.paths.log.read_text(errors="replace").splitlines()
        except OSError:
            return "There is no log: the worker did not start."
        return "Its log ends: " + " / ".join(lines[-3:])
