"""Large databases in Session-Buddy's shape, made inside DuckDB: a gigabyte takes a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.demo.databases import EMBEDDING, REFLECTION_TABLES, WORDS

if TYPE_CHECKING:
    from pathlib import Path

# Measured: text in two columns and an index, an embedding, and blocks left free by growing;
# at 45 MB: larger ones come out up to 15 % larger.
BYTES_PER_ROW = 8_600
# Written as it grows: Session-Buddy writes a checkpoint at the end of a session.
SESSIONS = 8
# Of its indexes those that weigh: the one over the text holds the text once more.
_INDEXES = {
    "idx_conversations_fts": "searchable_content",
    "idx_conversations_timestamp": '"timestamp"',
    "idx_conversations_namespace": "namespace, project",
}
# Words between random tokens: gzip leaves about a third, as it does of code and prose. A long turn
# in every session keeps DuckDB from compressing the column, as it does in real databases.
_TRIPLES = "CASE WHEN n % 20 = 0 THEN 260 ELSE 75 END"

_INSERT = f"""INSERT INTO conversations_v2
    (id, content, searchable_content, embedding, category, project, namespace, "timestamp",
        session_id, metadata, access_count)
    SELECT 'conversation-' || n,
        array_to_string([words[(1 + hash(n * 1000 + j) % len(words))::INT] || ' '
            || words[(1 + hash(n * 1000 + j + 500) % len(words))::INT] || ' '
            || substr(md5((n * 1000 + j)::VARCHAR), 1, 5) FOR j IN range({_TRIPLES})], ' ') AS text,
        text,
        [((hash(n * {EMBEDDING} + k) / 18446744073709551616.0 - 0.5) / 5)::FLOAT
            FOR k IN range({EMBEDDING})]::FLOAT[{EMBEDDING}],
        'context', 'demo', 'default', TIMESTAMP '2026-01-01' + to_seconds(n), 'session-' || (n // 20), '{{}}', 0
    FROM range($start, $stop) AS rows(n), (SELECT $words::VARCHAR[] AS words)"""


def make(path: Path, megabytes: float) -> int:
    """Write a closed database of about that size; returns its rows."""
    rows = int(megabytes * 1_000_000 / BYTES_PER_ROW)
    for session in range(SESSIONS):
        start, stop = rows * session // SESSIONS, rows * (session + 1) // SESSIONS
        add(path, start, stop - start)
    return rows


def made(directory: Path, megabytes: float) -> Path:
    """The database of that size in `directory`, made where it is not there yet."""
    path = directory / f"{megabytes:g}.duckdb"
    if not path.exists():
        make(path, megabytes)
    return path


def count(path: Path) -> int:
    """Its conversations."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()
    return int(found[0]) if found else 0


def add(path: Path, start: int, count: int) -> None:
    """Insert `count` rows, numbered from `start`, and close: the WAL goes into the file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for statement in REFLECTION_TABLES:
            connection.execute(statement)
        for index, columns in _INDEXES.items():
            connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON conversations_v2({columns})")
        connection.execute(_INSERT, {"start": start, "stop": start + count, "words": WORDS})
