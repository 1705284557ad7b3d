"""Small databases with the tables that Session-Buddy writes, for the demo, tests and benches."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

EMBEDDING = 384

REFLECTION_TABLES = (
    """CREATE TABLE IF NOT EXISTS conversations_v2 (
        id VARCHAR PRIMARY KEY, content VARCHAR NOT NULL, embedding FLOAT[384], category VARCHAR,
        subcategory VARCHAR, importance_score FLOAT, memory_tier VARCHAR, access_count INTEGER,
        last_accessed TIMESTAMP, project VARCHAR, namespace VARCHAR, "timestamp" TIMESTAMP,
        session_id VARCHAR, user_id VARCHAR, searchable_content VARCHAR, reasoning VARCHAR,
        metadata VARCHAR, source_type VARCHAR, turn_parent_id VARCHAR, causal_parent_id VARCHAR,
        fingerprint BLOB)""",
    """CREATE TABLE IF NOT EXISTS reflections_v2 (
        id VARCHAR PRIMARY KEY, conversation_id VARCHAR, content VARCHAR NOT NULL,
        embedding FLOAT[384], category VARCHAR, subcategory VARCHAR, importance_score FLOAT,
        memory_tier VARCHAR, tags VARCHAR[], related_entities VARCHAR[], namespace VARCHAR,
        project VARCHAR, access_count INTEGER, last_accessed TIMESTAMP, "timestamp" TIMESTAMP,
        created_at TIMESTAMP, updated_at TIMESTAMP, metadata JSON, insight_type VARCHAR,
        usage_count INTEGER, last_used_at TIMESTAMP, confidence_score FLOAT, fingerprint BLOB)""",
)
GRAPH_TABLES = (
    """CREATE TABLE IF NOT EXISTS kg_entities (
        id VARCHAR PRIMARY KEY, name VARCHAR, entity_type VARCHAR, observations VARCHAR[],
        properties JSON, created_at TIMESTAMP, updated_at TIMESTAMP, metadata JSON,
        embedding FLOAT[384])""",
    """CREATE TABLE IF NOT EXISTS kg_relationships (
        id VARCHAR PRIMARY KEY, from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR,
        properties JSON, created_at TIMESTAMP, updated_at TIMESTAMP, metadata JSON)""",
)
WORDS = [
    "memory",
    "snapshot",
    "upload",
    "session",
    "commit",
    "worker",
    "receipt",
    "bucket",
    "prefix",
    "manifest",
    "part",
    "retry",
    "database",
    "hook",
    "event",
    "restore",
    "delta",
    "block",
    "hash",
    "server",
    "token",
    "project",
    "test",
    "review",
    "refactor",
]


def _text(source: random.Random, words: int) -> str:
    return " ".join(source.choices(WORDS, k=words))


def _embedding(source: random.Random) -> list[float]:
    return [source.uniform(-0.1, 0.1) for _ in range(EMBEDDING)]


def add_conversations(
    connection: duckdb.DuckDBPyConnection, count: int, *, start: int = 0, seed: int = 0
) -> None:
    """Insert rows from `conversation-<start>` on; the same arguments give the same rows."""
    source = random.Random(seed * 1_000_003 + start)
    # One parameter for all rows: binding them one by one takes ten times as long.
    connection.execute(
        """INSERT INTO conversations_v2 (id, content, embedding, category, memory_tier, project,
               namespace, "timestamp", session_id, metadata, access_count)
           SELECT 'conversation-' || r.n, r.content, r.embedding, 'context', 'long_term', 'demo',
               'default', TIMESTAMP '2026-01-01' + to_seconds(r.n), 'session-' || (r.n // 20),
               '{}', 0
           FROM (SELECT unnest(?) AS r)""",
        [
            [
                {"n": n, "content": _text(source, 60), "embedding": _embedding(source)}
                for n in range(start, start + count)
            ]
        ],
    )


def add_reflections(
    connection: duckdb.DuckDBPyConnection, count: int, *, start: int = 0, seed: int = 0
) -> None:
    """Insert rows from `reflection-<start>` on."""
    source = random.Random(seed * 1_000_003 + start + 1)
    connection.execute(
        """INSERT INTO reflections_v2 (id, content, embedding, tags, project, namespace,
               "timestamp", created_at, updated_at, metadata)
           SELECT 'reflection-' || r.n, r.content, r.embedding, ['demo', 'lesson'], 'demo',
               'default', TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01',
               '{}'
           FROM (SELECT unnest(?) AS r)""",
        [
            [
                {"n": n, "content": _text(source, 30), "embedding": _embedding(source)}
                for n in range(start, start + count)
            ]
        ],
    )


def make_reflection_database(
    path: Path, *, conversations: int = 100, reflections: int = 20
) -> None:
    """Write a closed, checkpointed `reflection.duckdb`."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for statement in REFLECTION_TABLES:
            connection.execute(statement)
        if conversations:
            add_conversations(connection, conversations)
        if reflections:
            add_reflections(connection, reflections)


def make_graph_database(path: Path, *, entities: int = 25) -> None:
    """Write a closed, checkpointed `knowledge_graph.duckdb`."""
    import duckdb

    source = random.Random(7)
    with duckdb.connect(str(path)) as connection:
        for statement in GRAPH_TABLES:
            connection.execute(statement)
        connection.execute(
            """INSERT INTO kg_entities (id, name, entity_type, observations, properties,
                   created_at, metadata, embedding)
               SELECT 'entity-' || r.n, 'concept ' || r.n, 'concept', ['seen once'], '{}',
                   TIMESTAMP '2026-01-01', '{}', r.embedding
               FROM (SELECT unnest(?) AS r)""",
            [[{"n": n, "embedding": _embedding(source)} for n in range(entities)]],
        )


def make_databases(directory: Path, *, conversations: int = 100) -> None:
    """Both of Session-Buddy's databases, small."""
    directory.mkdir(parents=True, exist_ok=True)
    make_reflection_database(directory / "reflection.duckdb", conversations=conversations)
    make_graph_database(directory / "knowledge_graph.duckdb")
