"""A stand-in Akosha server, and a push of a database to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from akosha_hook.akosha import Akosha
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.settings.fields import Settings
from akosha_hook.snapshot import Database, Snapshot, SnapshotFile
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.base import Consignment, Delivery, Journal, Surroundings
from akosha_hook.util.progress import Progress, Silent
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.akosha_server import AkoshaServer, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from akosha_hook.paths import Paths


COUNTS = ("stored", "already_stored", "known", "skipped", "failed", "not_carried")


@pytest.fixture
def akosha() -> Iterator[AkoshaServer]:
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        yield server


@dataclass
class Pusher:
    """Pushes databases as a sync would, again and again."""

    paths: Paths
    url: str
    system_id: str = "mac"
    environ: dict[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Silent)
    retries: int = 0
    seconds: float = 60
    waits: list[float] = field(default_factory=list)

    def push(
        self,
        *databases: Path,
        unchanged: tuple[str, ...] = (),
        known: Mapping[str, ReceiptFile] | None = None,
    ) -> Delivery:
        surroundings = Surroundings(
            settings=Settings(akosha_http_url=self.url),
            paths=self.paths,
            environ=self.environ,
            retry=RetryPolicy(self.retries, 1.0, Deadline(self.seconds), wait=self.waits.append),
            progress=self.progress,
            journal=Journal({}, {}, lambda: None),
        )
        frozen = tuple(_database(path) for path in databases)
        return Akosha(surroundings).deliver(
            Consignment(
                snapshot=Snapshot(Path("/nowhere"), frozen, unchanged=unchanged),
                system_id=self.system_id,
                machine_id="machine",
                upload_id="20260101_000000_mac_http",
                sequence=1,
                known=known or {},
            )
        )

    def counts(self, *databases: Path) -> dict[str, Any]:
        """What the receipt says of the rows, without the counts that are zero."""
        details = self.push(*databases).details
        return {key: details[key] for key in COUNTS if details[key]}


def _database(path: Path) -> Database:
    file = SnapshotFile(path.name, path, path.stat().st_size, "0" * 64, None)
    return Database(path.name, file)


@pytest.fixture
def pusher(paths: Paths, akosha: AkoshaServer) -> Pusher:
    return Pusher(paths, akosha.url)
