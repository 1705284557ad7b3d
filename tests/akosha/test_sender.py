"""Batches to a server, and what becomes of rows it does not store or has no embedding for."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.akosha.presence import SAMPLES
from akosha_hook.demo.databases import (
    make_reflection_database,
)
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import (
    DeliveryError,
    ExitCode,
)
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, change, lengthen
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.mcp_fake import FakeMcp, answering, tool_failure


def test_many_rows_go_in_batches_the_server_takes(
    runner: PushRunner, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    make_reflection_database(path, conversations=0, reflections=0)
    change(
        path,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT i, 'text ' || i, list_resize([0.5::FLOAT], 384, 0.25::FLOAT)::FLOAT[384] "
        "FROM range(2600) t(i)",
    )
    assert runner.counts(path) == {"stored": 2600}
    assert sum(akosha.batches) == 2600
    assert max(akosha.batches) <= 1000


def test_long_texts_are_split_by_size(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    """The SDK's server refuses requests beyond 4 MiB: 50 rows of 200 kB need several."""
    lengthen(database)
    assert runner.counts(database) == {"stored": 50}
    assert len(akosha.batches) >= 3


def test_one_row_too_large_for_the_server_fails_alone(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    change(
        database,
        "UPDATE conversations_v2 SET content = repeat('x', 5_000_000) WHERE id = 'conversation-3'",
    )
    with pytest.raises(
        DeliveryError,
        match=r"1 memory could not be stored: .*does not accept requests of this size",
    ) as caught:
        runner.push(database)
    assert caught.value.details["stored"] == 49


def test_rows_without_a_usable_embedding_get_the_servers(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    change(
        database,
        "UPDATE conversations_v2 SET embedding = NULL",
        "UPDATE conversations_v2 SET content = repeat('long ', 4000) || chr(0) "
        "WHERE id = 'conversation-3'",
    )
    assert runner.counts(database) == {"stored": 50}
    assert len(akosha.embedded) == 40
    assert max(map(len, akosha.embedded)) == 10_000
    long = next(
        each
        for each in akosha.memories.values()
        if each["metadata"]["original_id"] == "conversation-3"
    )
    assert len(long["text"]) == 20_001


@pytest.mark.parametrize("embeds", [None, "fallback"])
def test_rows_are_skipped_where_the_server_has_no_real_embeddings(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths, embeds: str | None
) -> None:
    """Akosha without its model makes numbers up and says `fallback`: they are not memories."""
    change(database, "UPDATE conversations_v2 SET embedding = NULL WHERE id LIKE '%-1%'")
    akosha.embeds = embeds
    restarted = AkoshaServer(free_ports(1)[0], embeds=embeds)
    with serve(restarted):
        result = PushRunner(paths, restarted.url).push(database)
    assert result.details["stored"] == 39
    (reason,) = result.details["skipped"]
    assert "no embedding" in reason
    assert result.details["skipped"][reason] == 11
    assert any("11 memories were skipped: no embedding" in note for note in result.notes)


def test_rows_the_server_refuses_are_reported_and_sent_again(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    akosha.refuse = lambda memory: (
        "no room" if memory["metadata"]["original_id"] == "conversation-3" else None
    )
    with pytest.raises(
        DeliveryError, match=r"stored 49 memories\. 1 memory could not be stored: no room \(1\)"
    ) as caught:
        runner.push(database)
    assert caught.value.exit_code == ExitCode.FAILED
    assert caught.value.details["failed"] == {"no room": 1}
    assert caught.value.retryable
    akosha.refuse = lambda _: None
    akosha.batches.clear()
    assert runner.counts(database) == {"stored": 1, "known": 49}
    assert akosha.batches == [SAMPLES, 1]


def test_a_server_that_refuses_everything_gets_three_batches(
    runner: PushRunner, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    make_reflection_database(path, conversations=0, reflections=0)
    change(
        path,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT i, 'text ' || i, list_resize([0.5::FLOAT], 384, 0.25::FLOAT)::FLOAT[384] "
        "FROM range(4000) t(i)",
    )
    akosha.refuse = lambda _: "read-only"
    with pytest.raises(DeliveryError, match="read-only") as caught:
        runner.push(path)
    assert len(akosha.batches) == 3
    assert sum(caught.value.details["failed"].values()) == sum(akosha.batches)


def test_the_rows_of_a_batch_that_fails_as_a_whole_do_not_count_as_stored(
    runner: PushRunner, database: Path, httpserver: HTTPServer
) -> None:
    mcp = FakeMcp([answering(tool_failure("the store is read-only"))])
    mcp.attach(httpserver)
    runner.url = httpserver.url_for("")
    with pytest.raises(DeliveryError, match=r"50 memories could not be stored.*read-only"):
        runner.push(database)


def test_no_memory_is_quoted_in_a_message_a_receipt_or_a_log(
    runner: PushRunner, akosha: AkoshaServer, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Validation errors quote what was sent."""
    caplog.set_level(logging.DEBUG, logger="akosha_hook")
    akosha.refuse = lambda memory: (
        f"1 validation error [type=bad, input_value={memory['text']!r}, input_type=str]"
    )
    with pytest.raises(
        DeliveryError, match="50 memories could not be stored: 1 validation error"
    ) as caught:
        runner.push(database)
    texts = {each["text"] for each in akosha.refused}
    logged = [each.getMessage() for each in caplog.records if each.name.startswith("akosha_hook")]
    written = f"{caught.value.message} {caught.value.details} {logged}"
    assert logged
    assert not any(text[:40] in written for text in texts)
    assert caught.value.details["failed"] == {
        "1 validation error [type=bad, input_value=..., input_type=str]": 50
    }
