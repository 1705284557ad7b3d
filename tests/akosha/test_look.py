"""Asking a server to which nothing new is to be sent."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from akosha_hook.akosha import forget, has_lost, is_due
from akosha_hook.akosha.acknowledged import opened
from akosha_hook.akosha.presence import SAMPLES
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.errors import CredentialsError, DeliveryError
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, add
from tests.support.akosha_server import AkoshaServer


def lost(runner: PushRunner, *databases: Path) -> bool:
    return has_lost(
        runner.context(), runner.databases(*databases), runner.system_id, runner.policy()
    )


def test_a_server_that_has_everything_is_sent_samples_and_nothing_new(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    other = database.with_name("big.duckdb")
    make_reflection_database(other, conversations=5000, reflections=0)
    runner.push(database)
    add(database, 3)
    akosha.batches.clear()
    assert not lost(runner, database, other)
    assert akosha.batches == [SAMPLES]
    assert len(akosha.memories) == 50
    assert runner.counts(database) == {"stored": 3, "known": 50}


def test_what_is_lost_is_forgotten_and_owed(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    assert not is_due(runner.context())
    akosha.restart()
    assert lost(runner, database)
    assert is_due(runner.context())
    akosha.requests.clear()
    assert lost(runner, database)
    assert akosha.requests == []
    runner.push(database)
    assert len(akosha.memories) == 50
    assert not is_due(runner.context())


def test_nothing_is_asked_of_a_server_that_acknowledged_nothing(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    assert not is_due(runner.context())
    assert not lost(runner, database)
    assert akosha.requests == []


@pytest.mark.parametrize(("age", "due"), [(0, False), (80_000, False), (90_000, True), (-60, True)])
def test_a_server_is_due_once_a_day(
    runner: PushRunner, database: Path, paths: Paths, age: float, due: bool
) -> None:
    runner.push(database)
    with opened(paths, runner.url) as acknowledged:
        acknowledged.remember_asking(time.time() - age)
    assert is_due(runner.context()) == due


def test_everything_is_owed_after_forget_until_it_was_pushed_in_full(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    runner.push(database)
    forget(paths, akosha.url)
    akosha.memories.clear()
    akosha.refuse = lambda memory: "no room" if memory["text"] else None
    with pytest.raises(DeliveryError):
        runner.push(database)
    assert is_due(runner.context())
    akosha.refuse = lambda _: None
    runner.push(database)
    assert not is_due(runner.context())


def test_a_token_that_cannot_be_sent_is_an_error(runner: PushRunner, database: Path) -> None:
    runner.push(database)
    runner.environ = {"AKOSHA_TOKEN": "two words"}
    with pytest.raises(CredentialsError):
        lost(runner, database)
