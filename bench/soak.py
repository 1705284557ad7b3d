"""`python -m bench.soak --schedules N`: random schedules; prints what was lost, with its seed.

Each schedule has several homes on one bucket of a real S3 server: syncs, kills, network faults,
prunes, restores, clones, deleted objects, full disks, clocks that jump
(`tests/chaos/many_homes.py`). Then as many homes of one name end at once, ten times.

`--minutes N` runs schedules of one home each instead, through a network that is worse. What is
stored in the end has to be the databases' last state, whole, with nothing left over on either
side. Exit 1 where it is not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
import traceback
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.demo.s3_server import S3Server, available, s3_server
from akosha_hook.paths import Paths
from tests.chaos import many_homes
from tests.chaos.at_once import HOMES, stored_at_once
from tests.chaos.schedules import FAULTS, OPERATIONS, SIZES, Chaos, Counts
from tests.chaos.world import Counts as ManyCounts
from tests.chaos.world import FindingError
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.faulty_home import FaultyHome
from tests.support.forks import fork_server
from tests.support.s3 import make_bucket, quick_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.forks import Forks

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
REPORT_SECONDS = 30.0
REPORTED_EVERY = 20
KINDS = ("event", "work", "by_hand", "recover", "touch", "change", "fault", "kill", "kill")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--schedules", type=int, default=200, help="of several homes")
    what.add_argument("--minutes", type=float, help="of schedules of one home")
    parser.add_argument("--at-once", type=int, default=10, help="rounds of many homes at once")
    parser.add_argument("--server", choices=available(), action="append")
    parser.add_argument("--seed", type=int, default=None, help="repeats schedules")
    options = parser.parse_args(arguments)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    servers = options.server or list(available())
    print(f"seed {seed}", flush=True)
    _leave_the_real_home()
    if options.minutes is None:
        share = -(-options.schedules // len(servers))
        found = [
            _many_homes(name, range(seed + number * share, seed + (number + 1) * share))
            + _at_once(name, -(-options.at_once // len(servers)))
            for number, name in enumerate(servers)
        ]
        return 1 if any(found) else 0
    failed = False
    for number, name in enumerate(servers):
        counts = _soak(name, 60 * options.minutes / len(servers), random.Random(seed + number))
        print(_report(name, counts), flush=True)
        failed = failed or bool(counts.losses)
    return 1 if failed else 0


def _many_homes(name: str, seeds: range) -> int:
    """Run the schedules of these seeds, and print what was found; how many findings there are."""
    counts, found = ManyCounts(), 0
    with _work(name) as (work, server, forks):
        for seed in seeds:
            try:
                with tempfile.TemporaryDirectory(dir=work) as directory:
                    many_homes.run(seed, server, forks, Path(directory), counts)
            except FindingError as finding:
                found += 1
                print(finding, flush=True)
            if (seed - seeds.start) % REPORTED_EVERY == 0 or seed == seeds[-1]:
                numbers = " ".join(f"{key} {value}" for key, value in asdict(counts).items())
                print(f"{name}: {numbers} findings {found}", flush=True)
    return found


def _at_once(name: str, rounds: int) -> int:
    """Homes of one name at once; how many of them are not stored."""
    stored = 0
    with _work(name) as (work, server, forks):
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(dir=work) as directory:
                stored += stored_at_once(server, forks, Path(directory))
    print(f"{name}: at once, {stored} of {rounds * HOMES} stored", flush=True)
    return rounds * HOMES - stored


@contextlib.contextmanager
def _work(name: str) -> Iterator[tuple[Path, S3Server, Forks]]:
    with (
        tempfile.TemporaryDirectory(prefix="akosha-soak-") as work,
        quick_server(Path(work) / name, name) as server,
        fork_server() as forks,
    ):
        yield Path(work), server, forks


def _leave_the_real_home() -> None:
    """Nothing of the user's settings, credentials or proxies may take part."""
    for name in list(os.environ):
        if name not in KEPT:
            del os.environ[name]


def _soak(name: str, seconds: float, source: random.Random) -> Counts:
    counts = Counts()
    end = time.monotonic() + seconds
    reported = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="akosha-soak-") as work,
        s3_server(Path(work) / name, name) as server,
        faulty_proxy(server.endpoint) as proxy,
    ):
        while time.monotonic() < end:
            _round(Path(work), server, proxy, source, counts)
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                print(_report(name, counts), flush=True)
    return counts


def _round(
    work: Path, server: S3Server, proxy: FaultyProxy, source: random.Random, counts: Counts
) -> None:
    with tempfile.TemporaryDirectory(dir=work) as home:
        os.environ["HOME"] = home
        os.environ["XDG_CONFIG_HOME"] = f"{home}/.config"
        bucket = make_bucket(server, f"soak-{uuid.uuid4().hex[:12]}")
        faulty_home = FaultyHome(Paths.from_environment(os.environ), bucket, proxy=proxy)
        faulty_home.configure(
            akosha_cloud_endpoint=proxy.url,
            akosha_enable_fallback=False,
            akosha_enable_compression=source.random() < 0.5,
            akosha_enable_delta=source.random() < 0.7,
            akosha_settle_seconds=0,
            akosha_min_interval_seconds=0,
            akosha_max_retries=source.choice([0, 1, 3]),
            akosha_retry_backoff_seconds=0.01,
            akosha_parallel_uploads=source.choice([1, 3]),
        )
        chaos = Chaos(faulty_home, counts, seed=source.randrange(2**32))
        counts.rounds += 1
        steps: list[str] = []
        try:
            chaos.begin()
            for _ in range(source.randint(3, 12)):
                _step(chaos, source, steps)
            chaos.finish()
        except Exception:  # noqa: BLE001 - what went wrong is what the soak is for
            counts.losses.append(f"{steps}\n{traceback.format_exc(limit=-3)}")
        proxy.heal()
        proxy.asked.clear()


def _step(chaos: Chaos, source: random.Random, steps: list[str]) -> None:
    """One step of the schedule, noted before it is taken, so that a loss can be explained."""
    kind = source.choice(KINDS)
    operation, first = source.choice(OPERATIONS), source.randint(1, 3)
    size, carried_out = source.choice(SIZES), source.random() < 0.5
    fault, times = source.choice(sorted(FAULTS)), source.randint(1, 5)
    match kind:
        case "change":
            steps.append(f"change {size}")
            chaos.change(size)
        case "fault":
            steps.append(f"fault {fault} {operation} {first} {times}")
            chaos.fault(fault, operation, first, times)
        case "kill":
            steps.append(f"change, kill {operation} {first} {carried_out}")
            if source.random() < 0.5:
                chaos.change(size)
            else:
                chaos.touch()
            chaos.kill(operation, first, carried_out=carried_out)
        case _:
            steps.append(kind)
            getattr(chaos, kind)()


def _report(name: str, counts: Counts) -> str:
    numbers = {key: value for key, value in asdict(counts).items() if key != "losses"}
    line = f"{name}: " + " ".join(f"{key} {value}" for key, value in numbers.items())
    losses = "".join(f"\n{each}" for each in counts.losses)
    return f"{line} losses {len(counts.losses)}{losses}"


if __name__ == "__main__":
    sys.exit(main())
