"""A stand-in Akosha server, and pushes of databases to it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from akosha_hook.akosha import PushResult, push
from akosha_hook.context import Context
from akosha_hook.demo.databases import add_conversations, make_reflection_database
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.settings import Loaded, Settings
from akosha_hook.snapshot import Database, SnapshotFile
from akosha_hook.util.progress import Progress, Silent
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.akosha_server import AkoshaServer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from akosha_hook.paths import Paths


COUNTS = ("stored", "already_stored", "known", "skipped", "failed", "not_carried")


@pytest.fixture
def akosha() -> Iterator[AkoshaServer]:
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        yield server


@dataclass
class PushRunner:
    """Pushes databases as a sync would, as often as a test wants."""

    paths: Paths
    url: str
    system_id: str = "mac"
    environ: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Silent)
    retries: int = 0
    seconds: float = 60
    waits: list[float] = field(default_factory=list)

    def push(self, *databases: Path, others: Callable[[], list[Path]] = list[Path]) -> PushResult:
        return push(
            self.context(),
            self.databases(*databases),
            self.system_id,
            self.policy(),
            lambda: self.databases(*others()),
        )

    def context(self) -> Context:
        loaded = Loaded(Settings(akosha_http_url=self.url), origins={})
        return Context(loaded, self.paths, self.environ, self.progress)

    def policy(self) -> RetryPolicy:
        return RetryPolicy(self.retries, 1.0, Deadline(self.seconds), wait=self.waits.append)

    def databases(self, *paths: Path) -> list[Database]:
        return [_database(path) for path in paths]

    def counts(self, *databases: Path) -> dict[str, Any]:
        """The counts in the details of a push, without those that are zero."""
        details = self.push(*databases).details
        return {key: details[key] for key in COUNTS if details[key]}


def _database(path: Path) -> Database:
    file = SnapshotFile(path.name, path, path.stat().st_size, "0" * 64, None)
    return Database(path.name, file)


@pytest.fixture
def runner(paths: Paths, akosha: AkoshaServer) -> PushRunner:
    return PushRunner(paths, akosha.url)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pattern") / "reflection.duckdb"
    make_reflection_database(path, conversations=40, reflections=10)
    return path


@pytest.fixture
def database(tmp_path: Path, pattern: Path) -> Path:
    """A database of 40 conversations and 10 reflections."""
    path = tmp_path / "copy" / "reflection.duckdb"
    path.parent.mkdir()
    shutil.copyfile(pattern, path)
    return path


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def add(path: Path, conversations: int) -> None:
    """Add conversations after the 40 that are there."""
    with duckdb.connect(str(path)) as connection:
        add_conversations(connection, conversations, start=40)


def lengthen(path: Path) -> None:
    """Give every conversation 200 kB of text: they need several requests."""
    change(path, "UPDATE conversations_v2 SET content = id || repeat(' x', 100_000)")
