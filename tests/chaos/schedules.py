"""A schedule of events, changes, kills and faults, and what must be true when it is over.

The property test and `bench/soak.py` draw the steps; each is small, and any order of them is fair.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akosha_hook.errors import AkoshaHookError
from akosha_hook.state import progress_file
from tests.support import faults
from tests.support.faulty_home import DATABASE, MIB, FaultyHome, write_database
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.faults import Exchange, Pause

OTHER = "knowledge_graph.duckdb"
SIZES = (MIB // 4, MIB, 11 * MIB)
OPERATIONS = (
    "ListObjects",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "PutObject",
    "HeadObject",
    "PutManifest",
    "ListParts",
    "AbortMultipartUpload",
)
FAULTS: dict[str, Callable[[Exchange], None]] = {
    "reset": faults.reset,
    "lost-answer": faults.lost_answer,
    "truncated": faults.truncated,
    "slow-down": faults.error(503, "SlowDown"),
    "internal": faults.error(500, "InternalError"),
    "denied": faults.error(403, "AccessDenied"),
    "expired": faults.error(400, "ExpiredToken"),
    "portal": faults.portal,
    "no-etag": faults.no_etag,
}
# A denied abort is a note, and what it leaves is the bucket's owner's to clear.
FINAL = frozenset({"denied", "expired", "portal"})


@dataclass
class Counts:
    """What happened; `losses` is what must be 0."""

    events: int = 0
    changes: int = 0
    syncs: int = 0
    kills: int = 0
    faults: int = 0
    uploads: int = 0
    deltas: int = 0
    references: int = 0
    rounds: int = 0
    losses: list[str] = field(default_factory=list)


@dataclass
class Chaos:
    """`content` is the database's last state, `other` that of the one beside it."""

    faulty_home: FaultyHome
    counts: Counts = field(default_factory=Counts)
    content: bytes = b""
    other: bytes = b""
    seed: int = 0

    def begin(self) -> None:
        """A second database never changes: what was stored of it is referred to."""
        self.change(SIZES[1])
        self.other = write_database(self.faulty_home.paths.data / OTHER, SIZES[0], seed=-1)

    def change(self, size: int) -> None:
        self.seed += 1
        self.counts.changes += 1
        self.content = self.faulty_home.write(size, seed=self.seed)

    def touch(self) -> None:
        """A few bytes change in the middle: what a delta is for."""
        self.seed += 1
        self.counts.changes += 1
        middle = len(self.content) // 2
        fresh = random.Random(self.seed).randbytes(100)
        self.content = self.content[:middle] + fresh + self.content[middle + len(fresh) :]
        self.faulty_home.database.write_bytes(self.content)

    def event(self) -> None:
        self.counts.events += 1
        self.faulty_home.happen()

    def work(self) -> None:
        """A worker that comes by; it leaves where a backoff holds."""
        self.counts.syncs += 1
        self.faulty_home.run_loop_once()

    def by_hand(self) -> None:
        self.counts.syncs += 1
        try:
            self.faulty_home.sync_by_hand()
        except AkoshaHookError as error:
            raise AssertionError(error.message) from error

    def kill(self, operation: str, first: int, *, carried_out: bool) -> None:
        """Kill a worker at a request, or when it is done if that request never comes."""
        self.event()
        pause = self.faulty_home.network.pause(operation, first=first, carried_out=carried_out)
        with self.faulty_home.start_worker() as worker:
            until(
                lambda: _at_an_end(pause, worker.pid, worker.poll(), self.faulty_home),
                "the worker gets somewhere",
            )
            self.counts.kills += worker.poll() is None
            worker.kill()
            worker.wait()
        pause.drop()
        self.faulty_home.network.rules = [
            rule for rule in self.faulty_home.network.rules if rule.fault is not pause
        ]

    def fault(self, kind: str, operation: str, first: int, times: int) -> None:
        if kind in FINAL and operation == "AbortMultipartUpload":
            return
        self.counts.faults += 1
        self.faulty_home.network.on(operation, fault=FAULTS[kind], first=first, times=times)

    def recover(self) -> None:
        self.faulty_home.network.heal()

    def finish(self) -> None:
        """The network is well again, and somebody types `akosha-hook sync`: all must be there."""
        self.recover()
        self.by_hand()
        faulty_home = self.faulty_home
        last = {DATABASE: self.content, OTHER: self.other}
        assert faulty_home.stored() == last, "not the last state"
        faulty_home.every_manifest_is_whole()
        faulty_home.nothing_is_left()
        manifests = faulty_home.manifests()
        sequences = [each["metadata"]["sequence"] for each in manifests]
        assert len(set(sequences)) == len(sequences), "two uploads of one sequence"
        assert not list(faulty_home.paths.state.rglob("*.corrupt")), "a state file was torn"
        self.counts.uploads += len(manifests)
        for manifest in manifests:
            self._count(manifest["metadata"])

    def _count(self, details: dict[str, Any]) -> None:
        for file in details["files"]:
            self.counts.deltas += bool(file["delta"])
            self.counts.references += details["upload_id"] not in file["key"]


def _at_an_end(pause: Pause, pid: int, code: int | None, faulty_home: FaultyHome) -> bool:
    state = progress_file.read(faulty_home.paths)
    waits = state.pid == pid and state.phase == "waiting"
    return pause.arrived.is_set() or code is not None or waits
