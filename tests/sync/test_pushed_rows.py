"""Akosha servers that lost what was pushed to them, while the databases stay as they are."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from akosha_hook import settings
from akosha_hook.akosha.acknowledged import opened, path_of
from akosha_hook.akosha.presence import LOST
from akosha_hook.context import Context
from akosha_hook.demo.databases import add_conversations, make_reflection_database
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.paths import Paths
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.run import Request, run
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.home import pin

ROWS, TEAM_ROWS = 25, 6
DAY = 86_400.0
BY_HAND = Request(triggered_by=("manual",))
BY_HOOK = Request(triggered_by=("session-end",))


@pytest.fixture
def akosha() -> Iterator[AkoshaServer]:
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        yield server


@pytest.fixture
def data(paths: Paths) -> Path:
    """Two databases with rows, and one with things that Akosha does not take."""
    paths.state.mkdir(mode=0o700, parents=True)
    paths.data.mkdir(parents=True)
    make_reflection_database(paths.data / "reflection.duckdb", conversations=20, reflections=5)
    make_reflection_database(paths.data / "team.duckdb", conversations=TEAM_ROWS, reflections=0)
    with duckdb.connect(str(paths.data / "team.duckdb")) as connection:
        connection.execute("UPDATE conversations_v2 SET content = 'team ' || id")
    with contextlib.closing(sqlite3.connect(paths.data / "activity.db")) as connection:
        connection.execute("CREATE TABLE activity (what TEXT)")
        connection.commit()
    return paths.data


def sync(paths: Paths, akosha: AkoshaServer, request: Request = BY_HOOK) -> Outcome:
    environ = {
        **os.environ,
        "SESSION_BUDDY_AKOSHA_HTTP_URL": akosha.url,
        "SESSION_BUDDY_AKOSHA_MAX_RETRIES": "0",
    }
    pin(paths, "akosha", **environ)
    context = Context(settings.load_strict(environ, paths), paths, environ)
    return run(request, context, Receipts(paths))


def add(data: Path) -> None:
    with duckdb.connect(str(data / "reflection.duckdb")) as connection:
        add_conversations(connection, 1, start=1000)


def let_a_day_pass(paths: Paths, akosha: AkoshaServer) -> None:
    with opened(paths, akosha.url) as acknowledged:
        acknowledged.remember_asking(acknowledged.asked_at - DAY)


def notes(outcome: Outcome) -> str:
    assert outcome.receipt is not None
    return "; ".join(outcome.receipt.notes)


def test_what_is_no_duckdb_database_is_named_as_not_sent(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    outcome = sync(paths, akosha)
    assert outcome.success
    assert len(akosha.memories) == ROWS + TEAM_ROWS
    assert "activity.db had nothing to send" in notes(outcome)


def test_a_sync_by_hand_after_a_restart_sends_everything_again(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    sync(paths, akosha)
    before = set(akosha.memories)
    akosha.restart()
    outcome = sync(paths, akosha, BY_HAND)
    assert outcome.success
    assert set(akosha.memories) == before
    assert sync(paths, akosha, BY_HAND).state == "unchanged"


def test_a_sync_by_hand_of_a_server_that_has_everything_changes_nothing(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    sync(paths, akosha)
    receipts = len(list(Receipts(paths).newest_first()))
    before = dict(akosha.memories)
    assert sync(paths, akosha, BY_HAND).state == "unchanged"
    assert akosha.memories == before
    assert len(list(Receipts(paths).newest_first())) == receipts
    assert list(paths.snapshots.iterdir()) == []


def test_hooks_ask_once_a_day(paths: Paths, data: Path, akosha: AkoshaServer) -> None:
    sync(paths, akosha)
    akosha.restart()
    akosha.requests.clear()
    assert sync(paths, akosha).state == "unchanged"
    assert akosha.requests == []
    let_a_day_pass(paths, akosha)
    assert sync(paths, akosha).state == "uploaded"
    assert len(akosha.memories) == ROWS + TEAM_ROWS
    akosha.requests.clear()
    assert sync(paths, akosha).state == "unchanged"
    assert akosha.requests == []


def test_a_change_of_one_database_brings_back_the_rows_of_all(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    sync(paths, akosha)
    akosha.restart()
    add(data)
    outcome = sync(paths, akosha)
    assert LOST in notes(outcome)
    assert len(akosha.memories) == ROWS + TEAM_ROWS + 1


def test_rows_that_a_failed_push_owes_are_sent_by_the_next(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    """The push that finds the server empty fails before it comes to the unchanged database."""
    sync(paths, akosha)
    akosha.restart()
    add(data)
    akosha.refuse = lambda memory: "no room" if memory["text"].startswith("team") else None
    assert sync(paths, akosha).state == "failed"
    assert len(akosha.memories) == ROWS + 1
    akosha.refuse = lambda _: None
    assert sync(paths, akosha).success
    assert len(akosha.memories) == ROWS + TEAM_ROWS + 1


def test_a_server_that_does_not_answer_is_asked_again_after_an_hour(
    paths: Paths, data: Path
) -> None:
    port = free_ports(1)[0]
    with serve(AkoshaServer(port)) as akosha:
        sync(paths, akosha)
    let_a_day_pass(paths, akosha)
    assert sync(paths, akosha).state == "unchanged"
    with serve(AkoshaServer(port)) as restarted:
        assert sync(paths, restarted).state == "unchanged"
        assert restarted.requests == []
        with opened(paths, restarted.url) as acknowledged:
            acknowledged.remember_asking(acknowledged.asked_at - 3600)
        assert sync(paths, restarted).state == "uploaded"
        assert len(restarted.memories) == ROWS + TEAM_ROWS


def test_without_a_list_of_rows_a_hook_asks_nothing(
    paths: Paths, data: Path, akosha: AkoshaServer
) -> None:
    sync(paths, akosha)
    path_of(paths, akosha.url).unlink()
    akosha.requests.clear()
    assert sync(paths, akosha).state == "unchanged"
    assert akosha.requests == []
