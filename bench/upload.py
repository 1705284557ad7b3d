"""A whole upload in its own process, against what a user would run instead."""

from __future__ import annotations

import contextlib
import random
import shutil
import statistics
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.demo.s3_server import s3_server
from bench import databases, peers, process
from bench.link import link
from bench.report import Budget, Table
from bench.uploading import make_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from akosha_hook.demo.s3_server import S3Server
    from bench.process import Usage

SMALL, LARGE = 45, 1_100
MAX_PEAK_MB = 150.0
SAME_PEAK = 1.1


@dataclass(frozen=True)
class Runs:
    """What every contender did, in the same order of rounds."""

    megabytes: float
    usages: Mapping[str, Sequence[Usage]]

    def seconds(self, name: str) -> float:
        return statistics.median(usage.seconds for usage in self.usages[name])

    def peak_mb(self, name: str) -> float:
        return max(usage.peak_bytes for usage in self.usages[name]) / 1e6

    def ratio(self, peer: str) -> float:
        """Median over the rounds: both sides of each quotient ran within seconds of another."""
        pairs = zip(self.usages[peers.OURS], self.usages[peer], strict=True)
        return statistics.median(ours.seconds / theirs.seconds for ours, theirs in pairs)


def run(work: Path, *, rounds: int, large: bool = False) -> Table:
    """Over loopback, as fast as it goes."""
    small = measured(work, SMALL, rounds=rounds)
    budgets = against(small, {peers.GZIP_AWS: 0.4, peers.RESTIC: 1.0})
    budgets.append(_peak(small))
    rows = rows_of(small)
    if large:
        big = measured(work, LARGE, rounds=max(2, rounds // 3))
        rows += rows_of(big)
        budgets += [_peak(big), same_peak(small, big)]
    return table(f"Upload over loopback, {rounds} interleaved rounds", rows, budgets)


def table(title: str, rows: list[tuple[str | float, ...]], budgets: list[Budget]) -> Table:
    return Table(title, COLUMNS, rows, budgets, peers.versions())


COLUMNS = ("who", "MB", "s (median)", "s (least)", "ours takes, x", "CPU s", "peak MB")


def measured(
    work: Path,
    megabytes: float,
    *,
    rounds: int,
    megabits_per_second: float | None = None,
    only: tuple[str, ...] = (),
) -> Runs:
    """Every round with a new server, a new home and a new repository; the file is in memory."""
    database = databases.made(work, megabytes)
    usages: dict[str, list[Usage]] = defaultdict(list)
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            server, home, placed = stack.enter_context(stage(work, database))
            endpoint = server.endpoint
            if megabits_per_second:
                endpoint = stack.enter_context(
                    link(endpoint, megabits_per_second=megabits_per_second)
                ).endpoint
            environ = peers.environment(home, server, endpoint)
            contenders = [
                peer.made_ready()
                for peer in peers.all_installed(placed, environ, endpoint)
                if not only or peer.name in only
            ]
            for peer in random.sample(contenders, len(contenders)):
                usages[peer.name].append(process.run(peer.command, peer.environ))
    return Runs(database.stat().st_size / 1e6, usages)


@contextlib.contextmanager
def stage(work: Path, database: Path) -> Iterator[tuple[S3Server, Path, Path]]:
    """A new server with an empty bucket, a new home, and the database where it belongs."""
    with tempfile.TemporaryDirectory(prefix="round-", dir=work) as name:
        home = Path(name)
        placed = home / ".claude" / "data" / "reflection.duckdb"
        placed.parent.mkdir(parents=True)
        shutil.copyfile(database, placed)
        with s3_server(home / "server") as server:
            make_bucket(server)
            yield server, home, placed


def rows_of(runs: Runs) -> list[tuple[str | float, ...]]:
    return [
        (
            name,
            runs.megabytes,
            runs.seconds(name),
            min(usage.seconds for usage in runs.usages[name]),
            runs.ratio(name),
            statistics.median(usage.cpu_seconds for usage in runs.usages[name]),
            runs.peak_mb(name),
        )
        for name in sorted(runs.usages, key=runs.seconds)
    ]


def same_peak(small: Runs, big: Runs) -> Budget:
    grown = big.peak_mb(peers.OURS) / small.peak_mb(peers.OURS)
    return Budget(f"peak memory at {big.megabytes:.0f} MB, against small", grown, SAME_PEAK)


def _peak(runs: Runs) -> Budget:
    peak = runs.peak_mb(peers.OURS)
    return Budget(f"peak memory at {runs.megabytes:.0f} MB, in MB", peak, MAX_PEAK_MB)


def against(runs: Runs, allowed: Mapping[str, float]) -> list[Budget]:
    return [
        Budget(f"{runs.megabytes:.0f} MB, seconds against {peer}", runs.ratio(peer), limit)
        for peer, limit in allowed.items()
        if peer in runs.usages
    ]
