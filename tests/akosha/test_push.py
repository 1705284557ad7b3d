"""Which rows a push sends, and in which form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from akosha_hook.akosha import forget
from akosha_hook.akosha.presence import SAMPLES
from akosha_hook.demo.databases import (
    REFLECTION_TABLES,
    add_conversations,
    add_reflections,
    make_graph_database,
    make_reflection_database,
)
from akosha_hook.errors import (
    AkoshaHookError,
)
from akosha_hook.paths import Paths
from akosha_hook.util.progress import Silent
from tests.akosha.conftest import PushRunner, change
from tests.support.akosha_server import AkoshaServer
from tests.support.duckdb_files import contents, crash_after, make_too_new
from tests.support.first_session import ROWS, make_first_session


def test_every_memory_arrives_in_the_form_that_akosha_stores(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    assert runner.counts(database) == {"stored": 50}
    by_original = {each["metadata"]["original_id"]: each for each in akosha.memories.values()}
    assert len(by_original) == 50
    memory = by_original["conversation-7"]
    metadata = memory["metadata"]
    assert metadata["source"] == "mac"
    assert metadata["type"] == "conversation"
    assert metadata["project"] == "demo"
    assert metadata["category"] == "context"
    assert metadata["session_id"] == "session-0"
    assert datetime.fromisoformat(metadata["created_at"]).tzinfo is not None
    assert by_original["reflection-3"]["metadata"]["type"] == "reflection"
    assert by_original["reflection-3"]["metadata"]["tags"] == ["demo", "lesson"]
    with duckdb.connect(str(database), read_only=True) as connection:
        content, embedding = connection.execute(
            "SELECT content, embedding FROM conversations_v2 WHERE id = 'conversation-7'"
        ).fetchall()[0]
    assert memory["text"] == content
    assert memory["embedding"] == pytest.approx(embedding, rel=1e-7)


def test_an_unchanged_database_sends_a_few_samples_and_nothing_else(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    akosha.batches.clear()
    assert runner.counts(database) == {"known": 50}
    assert akosha.batches == [SAMPLES]


def test_a_grown_database_sends_the_new_rows(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    with duckdb.connect(str(database)) as connection:
        add_conversations(connection, 8, start=40)
        add_reflections(connection, 2, start=10)
    akosha.batches.clear()
    assert runner.counts(database) == {"stored": 10, "known": 50}
    assert akosha.batches == [SAMPLES, 10]


def test_rows_still_in_the_wal_are_sent_and_the_copy_is_left_alone(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    crash_after(
        database,
        "INSERT INTO conversations_v2 (id, content, embedding) "
        "SELECT 'late', 'in the wal', embedding FROM conversations_v2 LIMIT 1",
    )
    before = contents(database.parent)
    assert runner.counts(database) == {"stored": 51}
    assert "in the wal" in {each["text"] for each in akosha.memories.values()}
    assert contents(database.parent) == before


def test_a_first_session_that_a_plain_open_cannot_replay_is_sent(
    runner: PushRunner, tmp_path: Path
) -> None:
    path = make_first_session(tmp_path / "first" / "reflection.duckdb")
    assert runner.counts(path) == {"stored": ROWS + 1}


def test_blank_texts_are_skipped_and_counted(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    change(database, "UPDATE reflections_v2 SET content = '  ' WHERE id = 'reflection-1'")
    assert runner.counts(database) == {"stored": 49, "skipped": {"empty text": 1}}


def test_a_note_says_that_a_knowledge_graph_was_not_sent(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    graph = database.with_name("knowledge_graph.duckdb")
    make_graph_database(graph, entities=7)
    result = runner.push(database, graph)
    assert result.details["not_carried"] == {"kg_entities": 7}
    assert any("7 kg_entities were not sent" in note for note in result.notes)
    assert len(akosha.memories) == 50


def test_rows_already_there_count_as_such(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    runner.push(database)
    forget(paths, akosha.url)
    assert runner.counts(database) == {"already_stored": 50}
    assert runner.counts(database) == {"known": 50}


def test_the_same_row_on_two_systems_is_two_memories(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    """Session-Buddy's ids are hashes of the text: two machines that heard the same have the same."""
    runner.push(database)
    runner.system_id = "other"
    assert runner.counts(database) == {"stored": 50}
    assert {each["metadata"]["source"] for each in akosha.memories.values()} == {"mac", "other"}


def test_an_edited_row_is_a_new_memory(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    change(database, "UPDATE conversations_v2 SET content = 'better' WHERE id = 'conversation-3'")
    assert runner.counts(database) == {"stored": 1, "known": 49}
    change(database, "UPDATE conversations_v2 SET access_count = 9")
    assert runner.counts(database) == {"known": 50}


def test_a_migrated_row_is_one_memory(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    change(
        database,
        "CREATE TABLE conversations AS SELECT id, content, embedding, timestamp AS created_at "
        "FROM conversations_v2",
        "INSERT INTO conversations SELECT 'old', 'never migrated', embedding, created_at "
        "FROM conversations LIMIT 1",
    )
    counts = runner.counts(database)
    assert counts["stored"] == 51
    assert set(counts) <= {"stored", "known"}
    assert len(akosha.memories) == 51


def test_an_unreadable_database_is_reported_and_the_others_are_pushed(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    newer = database.with_name("newer.duckdb")
    make_reflection_database(newer, conversations=5)
    make_too_new(newer)
    with pytest.raises(AkoshaHookError, match=r"newer\.duckdb could not be read: .*version"):
        runner.push(newer, database)
    assert len(akosha.memories) == 50


class Sum(Silent):
    """Adds up the progress that is reported."""

    def __init__(self) -> None:
        self.plain = 0
        self.wire = 0
        self.sizes: dict[str, int] = {}

    def file(self, name: str, total_bytes: int) -> None:
        self.sizes[name] = total_bytes

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:
        assert plain_bytes >= 0
        self.plain += plain_bytes
        self.wire += wire_bytes


def test_progress_adds_up_to_the_databases_size(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    graph = database.with_name("knowledge_graph.duckdb")
    make_graph_database(graph, entities=7)
    runner.progress = total = Sum()
    runner.push(database, graph)
    sizes = {each.name: each.stat().st_size for each in (database, graph)}
    assert total.sizes == sizes
    assert total.plain == sum(sizes.values())


def test_a_database_without_memories_costs_no_request(
    runner: PushRunner, akosha: AkoshaServer, tmp_path: Path
) -> None:
    path = tmp_path / "reflection.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in REFLECTION_TABLES:
            connection.execute(statement)
    assert runner.counts(path) == {}
    assert akosha.requests == []
