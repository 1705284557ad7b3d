"""Servers that lost the rows which they acknowledged, and servers that cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from akosha_hook.akosha.presence import LOST, NOT_ASKED, SAMPLES
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import DeliveryError
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, add, change
from tests.support.akosha_server import TODAY, VERSION, AkoshaServer, serve


@pytest.mark.parametrize(("version", "dimension"), [(VERSION, 384), (TODAY, 768)])
def test_a_server_that_lost_its_rows_gets_them_again(
    paths: Paths, database: Path, version: str, dimension: int
) -> None:
    port = free_ports(1)[0]
    with serve(AkoshaServer(port, version=version, dimension=dimension)) as first:
        runner = PushRunner(paths, first.url)
        runner.push(database)
    with serve(AkoshaServer(port, version=version, dimension=dimension)) as restarted:
        result = runner.push(database)
        assert len(restarted.memories) == 50
        assert result.details["stored"] + result.details["already_stored"] == 50
        assert LOST in result.notes
        assert runner.counts(database) == {"known": 50}
    assert {each["memory_id"] for each in first.memories.values()} == set(restarted.memories)


def test_a_restart_that_changes_the_model_is_noticed_too(paths: Paths, database: Path) -> None:
    port = free_ports(1)[0]
    for dimension in (768, 384, 1024):
        with serve(AkoshaServer(port, version=TODAY, dimension=dimension)) as server:
            PushRunner(paths, server.url).push(database)
            sizes = [len(each["embedding"]) for each in server.memories.values()]
            assert sizes == [dimension] * 50


def test_new_rows_are_sent_once_beside_those_that_were_lost(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    akosha.restart()
    add(database, 8)
    details = runner.push(database).details
    assert len(akosha.memories) == 58
    assert details["stored"] + details["already_stored"] == 58


def test_databases_that_have_not_changed_are_asked_for_when_rows_were_lost(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    other = database.with_name("team.duckdb")
    make_reflection_database(other, conversations=3, reflections=0)
    change(other, "UPDATE conversations_v2 SET content = 'team ' || id")
    runner.push(database, other)
    asked: list[Path] = []

    def others() -> list[Path]:
        asked.append(other)
        return [other]

    runner.push(database, others=others)
    assert asked == []
    akosha.restart()
    runner.push(database, others=others)
    assert asked == [other]
    assert len(akosha.memories) == 53


def test_a_push_asks_once_however_many_databases_it_has(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    other = database.with_name("team.duckdb")
    make_reflection_database(other, conversations=3000, reflections=0)
    runner.push(database, other)
    akosha.batches.clear()
    runner.push(database, other)
    assert akosha.batches == [SAMPLES]


def test_what_a_lost_server_is_sent_again_costs_its_rows_and_a_few_samples(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    akosha.restart()
    akosha.batches.clear()
    runner.push(database)
    assert akosha.batches == [SAMPLES, SAMPLES, 50]


def test_a_server_that_replaces_rows_has_not_lost_them(
    runner: PushRunner, akosha: AkoshaServer, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.push(database)
    store = akosha.store

    def replacing(memories: list[dict[str, object]]) -> dict[str, object]:
        akosha.memories.clear()
        return store(memories)

    monkeypatch.setattr(akosha, "store", replacing)
    akosha.batches.clear()
    result = runner.push(database)
    assert result.details["known"] == 50
    assert LOST not in result.notes
    assert akosha.batches == [SAMPLES, SAMPLES]


def no_room(_: object) -> str:
    return "no room"


def one_more_size(_: object) -> str:
    return "DuckdbHotStore.insert: embedding dim mismatch (expected 384, got 384)"


@pytest.mark.parametrize("refuse", [no_room, one_more_size])
def test_an_answer_that_does_not_tell_changes_nothing(
    runner: PushRunner, akosha: AkoshaServer, database: Path, refuse: Callable[[object], str]
) -> None:
    runner.push(database)
    akosha.restart()
    akosha.refuse = refuse
    assert runner.counts(database) == {"known": 50}
    akosha.refuse = lambda _: None
    runner.push(database)
    assert len(akosha.memories) == 50


def test_a_server_that_cannot_be_asked_is_noted_and_nothing_is_forgotten(
    paths: Paths, database: Path
) -> None:
    port = free_ports(1)[0]
    with serve(AkoshaServer(port)) as server:
        runner = PushRunner(paths, server.url)
        runner.push(database)
    result = runner.push(database)
    assert result.details["known"] == 50
    assert any(note.startswith(NOT_ASKED) for note in result.notes)
    add(database, 1)
    with pytest.raises(DeliveryError, match="unreachable"):
        runner.push(database)
    with serve(AkoshaServer(port, memories=server.memories)) as again:
        assert runner.counts(database) == {"stored": 1, "known": 50}
        assert len(again.memories) == 51


def test_a_server_without_a_model_of_another_size_cannot_be_asked(
    paths: Paths, database: Path
) -> None:
    """The samples' embeddings do not fit, and the server makes none."""
    port = free_ports(1)[0]
    with serve(AkoshaServer(port)) as server:
        PushRunner(paths, server.url).push(database)
    with serve(AkoshaServer(port, version=TODAY, dimension=768, embeds="fallback")) as other:
        assert PushRunner(paths, other.url).counts(database) == {"known": 50}
        assert other.memories == {}
