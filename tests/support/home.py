"""A home that is set up the way a user's is: settings file, credentials file, databases."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.settings import load
from akosha_hook.state import pin as pins
from akosha_hook.state import pinning
from akosha_hook.state.journal import Journal
from akosha_hook.state.pinning import Part
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.util import files
from akosha_hook.util.lock import Lock
from tests.support.s3 import TestBucket
from tests.support.waiting import until

WAIT_SECONDS = 120.0


@dataclass
class Home:
    """`settings` go into session-buddy.yaml at every `configure`."""

    paths: Paths
    bucket: TestBucket | None = None
    settings: dict[str, object] = field(default_factory=dict)

    def configure(self, **settings: object) -> None:
        if self.bucket is not None:
            self.settings.setdefault("akosha_cloud_bucket", self.bucket.name)
            self.settings.setdefault("akosha_cloud_endpoint", self.bucket.server.endpoint)
            credentials = Path(os.environ["HOME"]) / ".aws" / "credentials"
            credentials.parent.mkdir(exist_ok=True)
            credentials.touch(mode=0o600)
            credentials.write_text(
                f"[default]\naws_access_key_id = {self.bucket.server.access_key}\n"
                f"aws_secret_access_key = {self.bucket.server.secret_key}\n"
            )
        self.settings |= settings
        self.paths.settings_yaml.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{name}: {_yaml(value)}\n" for name, value in self.settings.items())
        self.paths.settings_yaml.write_text("".join(lines))
        pin(self.paths)

    def unpin(self) -> None:
        """A home in which nothing of ours has ever run."""
        files.remove_tree(self.paths.state)

    def receipts(self) -> list[Receipt]:
        return list(Receipts(self.paths).newest_first())

    def journal(self, receipt: Receipt) -> Journal:
        """What is kept to continue the upload of `receipt`."""
        return Receipts(self.paths).journal(receipt)

    def events(self) -> list[str]:
        return sorted(path.name for path in self.paths.outbox.glob("*.event"))

    def akosha_hook(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user does, in a process of its own."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "akosha_hook", *arguments],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def start_worker(self, **environ: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "akosha_hook.worker"],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
        )

    def work(self, **environ: str) -> str:
        """Run a worker until it leaves; what it printed, which should be nothing."""
        with self.start_worker(**environ) as process:
            output, _ = process.communicate(timeout=WAIT_SECONDS)
        return output.decode()

    def wait_for_worker(self) -> None:
        """Wait until no worker holds the lock."""
        lock = Lock(self.paths.worker_lock)
        until(lock.acquire, "the worker leaves")
        lock.release()


def pin(paths: Paths, *parts: Part, **environ: str) -> None:
    """Confirm where the settings lead, as a user does by `install` at a terminal.

    `parts` are confirmed even if the settings do not use them.
    """
    environment = {**os.environ, **environ}
    loaded = load(environment, paths)
    wanted = pinning.wanted_by(Context(loaded, paths, environment), parts)
    pins.write(paths, wanted.pin, by="install")


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
