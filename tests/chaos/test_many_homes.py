"""Several homes on one bucket, clones, prunes, lost objects, clocks: no loss, no false success."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.demo.s3_server import S3Server, available
from tests.chaos import many_homes
from tests.support.forks import Forks

SEEDS = range(1, 31)


def _seeds() -> list[int]:
    """`AKOSHA_TEST_SEED=n` repeats one schedule, on every server."""
    named = os.environ.get("AKOSHA_TEST_SEED")
    return [int(named)] if named else list(SEEDS)


def _cases() -> list[tuple[str, int]]:
    servers = available()
    if "AKOSHA_TEST_SEED" in os.environ:
        return [(server, seed) for server in servers for seed in _seeds()]
    return [(servers[seed % len(servers)], seed) for seed in SEEDS]


@pytest.mark.parametrize(("server", "seed"), _cases())
def test_whatever_happens_nothing_is_lost_and_no_success_lies(
    request: pytest.FixtureRequest, forks: Forks, tmp_path: Path, server: str, seed: int
) -> None:
    running = request.getfixturevalue(server)
    assert isinstance(running, S3Server)
    many_homes.run(seed, running, forks, tmp_path)
