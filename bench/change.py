"""What is sent when a little changed, and when nothing did: ours against restic."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import databases, peers, process, upload
from bench.link import Link, link
from bench.report import Budget, Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.peers import Peer

FULL, TEN, PERCENT, NOTHING = "everything", "10 rows more", "1 % more rows", "nothing"
SHARES = {upload.SMALL: 0.15, upload.LARGE: 0.025}
MAX_STATUS_SECONDS = 0.4
# A file changed a moment ago can change again within one tick of its clock: only then is its stat
# no proof that nothing did.
UNCHANGED_AFTER_SECONDS = 3


@dataclass(frozen=True)
class Sent:
    seconds: float
    sent: int
    connections: int


Found = dict[tuple[str, str], list[Sent]]


def run(work: Path, *, rounds: int, large: bool = False) -> Table:
    rows: list[tuple[str | float, ...]] = []
    budgets: list[Budget] = []
    for size in (upload.SMALL, upload.LARGE) if large else (upload.SMALL,):
        sent_by: Found = defaultdict(list)
        status: list[float] = []
        for _ in range(rounds if size == upload.SMALL else 1):
            _round(work, size, sent_by, status)
        rows += _rows(size, sent_by)
        budgets += _budgets(size, sent_by, status)
    return Table(
        f"Bytes towards the server, {rounds} rounds",
        ("what changed", "MB sent", "% of everything", "s (median)", "connections"),
        rows,
        budgets,
        {"restic": peers.versions()["restic"]},
    )


def _round(work: Path, size: int, sent_by: Found, status: list[float]) -> None:
    with contextlib.ExitStack() as stack:
        database = databases.made(work, size)
        server, home, placed = stack.enter_context(upload.stage(work, database))
        counted = stack.enter_context(link(server.endpoint))
        environ = peers.environment(home, server, counted.endpoint)
        contenders = [peers.ours(environ)]
        if restic := peers.restic(placed, environ, counted.endpoint):
            contenders.append(restic.made_ready())
        rows = databases.count(placed)
        for what, more in {FULL: 0, TEN: 10, PERCENT: rows // 100, NOTHING: 0}.items():
            if more:
                databases.add(placed, rows, more)
                rows += more
            if what == NOTHING:
                time.sleep(UNCHANGED_AFTER_SECONDS)
                _send_all(contenders, counted)
            for name, sent in _send_all(contenders, counted).items():
                sent_by[name, what].append(sent)
        command = (sys.executable, "-P", "-m", "akosha_hook", "status", "--json")
        status += [process.run(command, environ).seconds for _ in range(5)]


def _send_all(contenders: list[Peer], counted: Link) -> Mapping[str, Sent]:
    sent = {}
    for peer in contenders:
        counted.reset()
        usage = process.run(peer.command, peer.environ)
        sent[peer.name] = Sent(usage.seconds, counted.sent, counted.connections)
    return sent


def _rows(size: int, sent_by: Found) -> list[tuple[str | float, ...]]:
    return [
        (
            f"{size} MB, {what}: {name}",
            _bytes(sent) / 1e6,
            100 * _bytes(sent) / _bytes(sent_by[name, FULL]),
            statistics.median(each.seconds for each in sent),
            float(max(each.connections for each in sent)),
        )
        for (name, what), sent in sent_by.items()
    ]


def _budgets(size: int, sent_by: Found, status: list[float]) -> list[Budget]:
    ten = _bytes(sent_by[peers.OURS, TEN])
    share = ten / _bytes(sent_by[peers.OURS, FULL])
    connections = max(each.connections for each in sent_by[peers.OURS, NOTHING])
    budgets = [
        Budget(f"{size} MB, bytes for 10 rows, against everything", share, SHARES[size]),
        Budget(f"{size} MB, connections when nothing changed", connections, 0),
        Budget(f"{size} MB, seconds of status", statistics.median(status), MAX_STATUS_SECONDS),
    ]
    if (peers.RESTIC, TEN) in sent_by:
        against = ten / _bytes(sent_by[peers.RESTIC, TEN])
        budgets.append(Budget(f"{size} MB, bytes for 10 rows, against restic", against, 1.0))
    return budgets


def _bytes(sent: list[Sent]) -> float:
    return statistics.median(each.sent for each in sent)
