"""`python -m bench.soak --minutes N`: random kills, faults and changes; counts what was lost.

Each round is a home of its own before a real S3 server: a schedule of events, database changes,
kills and network faults, then a well network and one sync by hand. What is stored then has to be
the database's last state, whole, with nothing left over on either side. Exit 1 where it is not.
"""

from __future__ import annotations

import argparse
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
from tests.chaos.schedules import FAULTS, OPERATIONS, SIZES, Chaos, Counts
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.faulty_home import FaultyHome
from tests.support.s3 import make_bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR")
REPORT_SECONDS = 30.0
KINDS = ("event", "work", "by_hand", "recover", "touch", "change", "fault", "kill", "kill")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--server", choices=available(), action="append")
    parser.add_argument("--seed", type=int, default=None, help="repeats a schedule")
    options = parser.parse_args(arguments)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    servers = options.server or list(available())
    print(f"seed {seed}", flush=True)
    _leave_the_real_home()
    failed = False
    for number, name in enumerate(servers):
        counts = _soak(name, 60 * options.minutes / len(servers), random.Random(seed + number))
        print(_report(name, counts), flush=True)
        failed = failed or bool(counts.losses)
    return 1 if failed else 0


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
