"""Rows whose embedding the server's store does not take, embedded by the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha.embedder import MAX_CHARACTERS, MAX_ROWS
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import DeliveryError
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, change
from tests.support.akosha_server import TODAY, VERSION, AkoshaServer, embedding_of, serve
from tests.support.mcp_fake import FakeMcp, as_json, result_of, tool_failure


@pytest.fixture
def today() -> Iterator[AkoshaServer]:
    """A server of today, whose model makes vectors of 768 numbers."""
    with serve(AkoshaServer(free_ports(1)[0], version=TODAY, dimension=768)) as server:
        yield server


@pytest.mark.parametrize(
    ("version", "dimension"),
    [(VERSION, 384), (TODAY, 384), (TODAY, 256), (TODAY, 768), (TODAY, 1024)],
)
def test_a_server_of_any_vector_size_gets_every_row_without_a_setting(
    paths: Paths, database: Path, version: str, dimension: int
) -> None:
    change(database, "UPDATE conversations_v2 SET embedding = NULL WHERE id LIKE '%-1%'")
    with serve(AkoshaServer(free_ports(1)[0], version=version, dimension=dimension)) as server:
        runner = PushRunner(paths, server.url)
        assert runner.counts(database) == {"stored": 50}
        assert len(server.embedded) == (11 if dimension == 384 else 50)
        assert {len(each["embedding"]) for each in server.memories.values()} == {dimension}
        assert runner.counts(database) == {"known": 50}
        assert len(server.memories) == 50


def test_a_row_is_embedded_from_its_own_text(
    paths: Paths, database: Path, today: AkoshaServer
) -> None:
    PushRunner(paths, today.url).push(database)
    for memory in today.memories.values():
        assert memory["embedding"] == embedding_of(memory["text"], 768)


def test_texts_go_to_be_embedded_in_batches_of_bounded_size(
    paths: Paths, database: Path, today: AkoshaServer
) -> None:
    change(
        database,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT i, repeat('long ', 3000) || i, list_resize([0.5::FLOAT], 384, 0.25::FLOAT) "
        "FROM range(100) t(i)",
    )
    assert PushRunner(paths, today.url).counts(database) == {"stored": 150}
    assert sum(today.embed_calls) == 150
    assert max(today.embed_calls) <= MAX_ROWS
    # A text is sent as far as the server reads it: 10,000 characters.
    assert len(today.embed_calls) >= 100 * 10_000 / MAX_CHARACTERS


def test_a_text_that_the_server_cannot_embed_is_skipped_alone(
    paths: Paths, database: Path, today: AkoshaServer
) -> None:
    change(database, "UPDATE conversations_v2 SET content = 'poison' WHERE id = 'conversation-3'")
    today.cannot_embed = lambda text: text == "poison"
    result = PushRunner(paths, today.url).push(database)
    assert result.details["stored"] == 49
    ((reason, rows),) = result.details["skipped"].items()
    assert rows == 1
    assert reason.startswith("no embedding: ")
    assert any("1 memory was skipped: no embedding" in note for note in result.notes)


def test_a_server_that_embeds_nothing_is_not_asked_for_every_row(
    paths: Paths, database: Path, today: AkoshaServer
) -> None:
    today.cannot_embed = lambda _: True
    result = PushRunner(paths, today.url).push(database)
    assert result.details["stored"] == 0
    assert sum(result.details["skipped"].values()) == 50
    assert len(today.embed_calls) <= 5


@pytest.mark.parametrize("embeds", [None, "fallback"])
def test_without_a_model_rows_of_another_size_are_skipped_and_counted(
    paths: Paths, database: Path, embeds: str | None
) -> None:
    server = AkoshaServer(free_ports(1)[0], version=TODAY, dimension=768, embeds=embeds)
    with serve(server):
        result = PushRunner(paths, server.url).push(database)
    assert server.memories == {}
    ((reason, rows),) = result.details["skipped"].items()
    assert reason.startswith("no embedding: ")
    assert rows == 50
    assert len(server.batches) == 1


def test_a_store_that_does_not_take_its_own_servers_embeddings_gets_ours(
    paths: Paths, database: Path
) -> None:
    """The store's size is set when the server starts, before its model has said its own."""
    change(database, "UPDATE conversations_v2 SET embedding = NULL WHERE id LIKE '%-1%'")
    server = AkoshaServer(free_ports(1)[0], version=TODAY, embedded_dimension=768)
    with serve(server):
        counts = PushRunner(paths, server.url).counts(database)
    assert counts["stored"] == 39
    ((reason, rows),) = counts["skipped"].items()
    assert "768" in reason
    assert rows == 11


def test_a_server_that_refuses_every_size_is_left_alone(paths: Paths, database: Path) -> None:
    """A program that names another size each time, and embeds in that of the last."""
    server = AkoshaServer(free_ports(1)[0], version=TODAY)
    sizes = iter(range(400, 8000))

    def refuse(_: object) -> str:
        wanted = next(sizes)
        server.embedded_dimension = server.dimension = wanted
        return f"DuckdbHotStore.insert: embedding dim mismatch (expected {wanted}, got 384)"

    server.refuse = refuse
    with serve(server):
        try:
            details = PushRunner(paths, server.url).push(database).details
        except DeliveryError as error:
            details = error.details
    assert server.memories == {}
    assert details["stored"] == 0
    assert sum(details["skipped"].values()) + sum(details["failed"].values()) <= 50
    assert len(server.batches) < 50


def test_a_failure_to_embed_quotes_no_memory(
    runner: PushRunner, database: Path, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="akosha_hook")
    change(database, "UPDATE conversations_v2 SET embedding = NULL", "DELETE FROM reflections_v2")
    mcp = FakeMcp()
    mcp.attach(httpserver)
    sent: list[str] = []

    def refuse(id_: int) -> Response:
        sent.extend(mcp.documents[-1]["params"]["arguments"]["texts"])
        return as_json(result_of(id_, tool_failure(f"Error executing tool: no, {sent[-1]}")))

    mcp.answers = [refuse] * 20
    runner.url = httpserver.url_for("")
    result = runner.push(database)
    assert sum(result.details["skipped"].values()) == 40
    logged = [each.getMessage() for each in caplog.records if each.name.startswith("akosha_hook")]
    written = f"{result.notes} {result.details} {logged}"
    assert "the rest is left out: it quotes a memory" in written
    assert sent
    assert not any(text[:20] in written for text in sent)
