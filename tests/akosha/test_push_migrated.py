"""Databases that `session-buddy migrate` has rewritten, or was about to."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from akosha_hook.akosha import forget
from akosha_hook.akosha.acknowledged import path_of
from akosha_hook.paths import Paths
from tests.akosha.conftest import PushRunner, add, change
from tests.support.akosha_server import AkoshaServer

NEW_ID = "substr(md5('uuid7' || id), 1, 12) || '7' || substr(md5(id), 14, 19)"
# What its scripts 001 to 007 leave: the tables and columns that matter here, in their types.
CONVERSATIONS = f"""CREATE TABLE conversations AS
    SELECT {NEW_ID} AS id, content, embedding, category, subcategory, importance_score,
           memory_tier, access_count, last_accessed, project, namespace, "timestamp", session_id,
           user_id, searchable_content, reasoning
    FROM conversations_v2"""
REFLECTIONS = f"""CREATE TABLE reflections AS
    SELECT {NEW_ID} AS id, content, embedding, category, memory_tier, to_json(tags) AS tags,
           related_entities, "timestamp", project, namespace, created_at, updated_at,
           NULL::VARCHAR AS source_session_id, 'file:notes.md' AS source_artifact_uri,
           0.5::FLOAT AS confidence_score, NULL::VARCHAR AS conversation_id,
           'general' AS insight_type
    FROM reflections_v2"""
DROP = ("DROP TABLE conversations_v2 CASCADE", "DROP TABLE reflections_v2 CASCADE")


def migrate(database: Path) -> None:
    change(database, CONVERSATIONS, REFLECTIONS, *DROP)


def test_a_migrated_database_sends_nothing_again(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    migrate(database)
    assert runner.counts(database) == {"known": 50}
    assert len(akosha.memories) == 50


def test_a_migrated_database_is_sent_once_to_a_server_that_never_saw_it(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    migrate(database)
    assert runner.counts(database) == {"stored": 50}
    metadata = [each["metadata"] for each in akosha.memories.values()]
    assert {each["type"] for each in metadata} == {"conversation", "reflection"}
    assert {each.get("source_artifact_uri") for each in metadata} == {None, "file:notes.md"}
    assert runner.counts(database) == {"known": 50}


def test_old_and_new_tables_side_by_side_are_one_set_of_memories(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    change(database, CONVERSATIONS, REFLECTIONS)
    assert runner.counts(database) == {"stored": 50, "known": 50}
    assert len(akosha.memories) == 50
    assert runner.counts(database) == {"known": 100}


@pytest.mark.parametrize("name", ["conversations_legacy", "conversations_new"])
def test_a_migration_that_was_cut_off_hides_no_row(
    runner: PushRunner, akosha: AkoshaServer, database: Path, name: str
) -> None:
    runner.push(database)
    change(database, CONVERSATIONS, f"ALTER TABLE conversations RENAME TO {name}")
    change(
        database,
        f'INSERT INTO {name} (id, content, "timestamp") '
        "VALUES ('old', 'said before version 2', '2025-01-01 12:00:00')",
        "UPDATE conversations_v2 SET embedding = embedding",
    )
    assert runner.counts(database) == {"stored": 1, "known": 90}
    assert "said before version 2" in {each["text"] for each in akosha.memories.values()}


def test_what_0_1_0_acknowledged_counts_before_and_after_a_migration(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    runner.push(database)
    # 0.1.0 knew the ids only.
    with contextlib.closing(sqlite3.connect(path_of(paths, akosha.url))) as connection:
        connection.execute("DROP TABLE contents")
        connection.commit()
    assert runner.counts(database) == {"known": 50}
    migrate(database)
    assert runner.counts(database) == {"known": 50}
    assert len(akosha.memories) == 50


def test_after_a_migration_too_everything_can_be_sent_again_as_the_same_memories(
    runner: PushRunner, akosha: AkoshaServer, database: Path, paths: Paths
) -> None:
    runner.push(database)
    before = set(akosha.memories)
    migrate(database)
    forget(paths, akosha.url)
    assert runner.counts(database) == {"already_stored": 50}
    akosha.restart()
    runner.push(database)
    assert set(akosha.memories) == before


def test_a_migrated_database_still_sends_what_is_new(
    runner: PushRunner, akosha: AkoshaServer, database: Path
) -> None:
    runner.push(database)
    add(database, 5)
    migrate(database)
    assert runner.counts(database) == {"stored": 5, "known": 50}


def test_the_time_zone_of_the_machine_is_no_part_of_a_memory(
    runner: PushRunner, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    runner.push(database)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    migrate(database)
    assert runner.counts(database) == {"known": 50}
