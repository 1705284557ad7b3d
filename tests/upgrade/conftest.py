"""A home and a bucket as version 0.1.0 left them, for this version to take over."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.paths import Paths
from tests.support.akosha_server import AkoshaServer
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.home import Home
from tests.support.installing import tree
from tests.support.later import akosha_hook_later
from tests.upgrade.archive import Left, put_in_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.s3 import TestBucket


@dataclass
class Upgraded(Home):
    """The home; `network` lies before its bucket, and `akosha` is the server that it pushed to."""

    left: Left = None  # type: ignore[assignment]
    network: FaultyProxy = None  # type: ignore[assignment]
    akosha: AkoshaServer = None  # type: ignore[assignment]

    @property
    def store(self) -> TestBucket:
        assert self.bucket is not None
        return self.bucket

    @property
    def reflection(self) -> Path:
        return self.paths.data / "reflection.duckdb"

    @property
    def notes(self) -> Path:
        """The git repository that 0.1.0 was installed into."""
        return Path(os.environ["HOME"]) / "notes"

    def settings_are(self, document: object) -> None:
        """What the configuration of a newer Session-Buddy says."""
        path = self.paths.config_yaml
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(document))

    def succeed(self, *arguments: str, cwd: Path | None = None) -> str:
        """What a command prints; it must succeed, and complain about nothing."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "akosha_hook", *arguments],
            check=False,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            cwd=cwd or self.paths.claude.parent,
            stdin=subprocess.DEVNULL,
        )
        assert (done.returncode, done.stderr) == (0, ""), (done.stdout, done.stderr)
        return done.stdout

    def document(self, *arguments: str, cwd: Path | None = None) -> Any:
        """The JSON document that a command prints."""
        return msgspec.json.decode(self.succeed(*arguments, "--json", cwd=cwd))

    def document_later(self, *arguments: str) -> Any:
        """The same, of a `prune` some hours later."""
        done = akosha_hook_later(self, *arguments, "--json")
        assert (done.returncode, done.stderr) == (0, ""), (done.stdout, done.stderr)
        return msgspec.json.decode(done.stdout)

    def nothing_was_set_aside(self) -> None:
        assert list(Path(os.environ["HOME"]).rglob("*.corrupt*")) == []

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every file of the state directory; the log may grow."""
        members = tree(self.paths.state)
        return {name: members[name] for name in members if name != "akosha.log"}


def _upgraded(home: Path, paths: Paths, bucket: TestBucket) -> Iterator[Upgraded]:
    (port,) = free_ports(1)
    akosha = AkoshaServer(port)
    with faulty_proxy(bucket.server.endpoint) as network:
        left = put_in_place(
            home, bucket, endpoint=network.url, akosha=akosha.url, python=sys.executable
        )
        yield Upgraded(paths, bucket, left=left, network=network, akosha=akosha)


@pytest.fixture
def upgraded(home: Path, paths: Paths, bucket: TestBucket) -> Iterator[Upgraded]:
    yield from _upgraded(home, paths, bucket)


@pytest.fixture
def upgraded_anywhere(home: Path, paths: Paths, any_bucket: TestBucket) -> Iterator[Upgraded]:
    """The same, on every S3 server installed here."""
    yield from _upgraded(home, paths, any_bucket)
