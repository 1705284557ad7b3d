"""Large databases in Session-Buddy's shape, made inside DuckDB: a gigabyte takes a minute."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from akosha_hook.demo.databases import EMBEDDING, REFLECTION_TABLES, WORDS

if TYPE_CHECKING:
    from pathlib import Path

# Measured from 45 MB to 1.3 GB; indexes make small ones larger.
BYTES_PER_ROW = 18_500
# Written as it grows: Session-Buddy writes a checkpoint at the end of a session.
SESSIONS = 8
ROWS_OF_A_SESSION = 100
_PROVENANCE = """CREATE TABLE IF NOT EXISTS memory_provenance (
    id VARCHAR PRIMARY KEY, memory_id VARCHAR, source_type VARCHAR, source_ref VARCHAR,
    extracted_at TIMESTAMP, model VARCHAR)"""
# Those Session-Buddy keeps: they are most of a small file, and the one over the text holds the text
# once more.
_INDEXES = {
    "conversations_v2": (
        "last_accessed",
        "category, namespace",
        "searchable_content",
        "namespace, project",
        "subcategory",
        "memory_tier, importance_score",
        '"timestamp"',
        'source_type, project, "timestamp"',
    ),
    "reflections_v2": (
        '"timestamp"',
        "insight_type",
        "last_used_at",
        "usage_count",
        "category, namespace",
        "subcategory",
        "memory_tier",
    ),
    "memory_provenance": ("memory_id", "source_type", "extracted_at"),
}
# Words between random tokens: gzip leaves 0.38 of it, as of code and prose. Lengths as measured: a
# median of 1.2 kB, a tenth beyond 3.6 kB, a hundredth beyond 8.5 kB.
_TRIPLES = """CASE WHEN n % 150 = 0 THEN 1000 WHEN n % 10 = 0 THEN 210 WHEN n % 4 = 0 THEN 100
    ELSE 20 + (hash(n) % 60)::INT END"""

_INSERT = f"""INSERT INTO conversations_v2
    (id, content, searchable_content, embedding, category, project, namespace, "timestamp",
        session_id, metadata, access_count, importance_score, memory_tier, source_type, fingerprint)
    SELECT substr(md5(n::VARCHAR), 1, 16),
        array_to_string([words[(1 + hash(n * 1000 + j) % len(words))::INT] || ' '
            || words[(1 + hash(n * 1000 + j + 500) % len(words))::INT] || ' '
            || substr(md5((n * 1000 + j)::VARCHAR), 1, 6) FOR j IN range({_TRIPLES})], ' ') AS text,
        text,
        [((hash(n * {EMBEDDING} + k) / 18446744073709551616.0 - 0.5) / 5)::FLOAT
            FOR k IN range({EMBEDDING})]::FLOAT[{EMBEDDING}],
        words[(1 + hash(n) % 5)::INT], words[(1 + hash(n + 1) % 4)::INT], 'default',
        TIMESTAMP '2026-01-01' + to_seconds(n), 'session-' || (n // 20),
        '{{"session": "' || (n // 20) || '"}}', 0, 0.5, words[(1 + hash(n + 2) % 2)::INT], 'claude_code',
        unhex(array_to_string([md5((n * 64 + k)::VARCHAR) FOR k IN range(64)], ''))
    FROM range($start, $stop) AS rows(n), (SELECT $words::VARCHAR[] AS words)"""
_FIRST = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - as the databases have it: no time zone
# One reflection on five conversations; where each came from.
_FOLLOWING = (
    """INSERT INTO reflections_v2 (id, content, embedding, category, memory_tier, tags, namespace,
            project, "timestamp", usage_count, fingerprint)
        SELECT 'reflection-' || id, content[:400], embedding, category, memory_tier, [project],
            namespace, project, "timestamp", 0, fingerprint
        FROM conversations_v2 WHERE "timestamp" >= $since AND second("timestamp") % 5 = 0""",
    """INSERT INTO memory_provenance
        SELECT 'provenance-' || id, id, source_type, session_id, "timestamp", 'model'
        FROM conversations_v2 WHERE "timestamp" >= $since""",
)


def make(path: Path, megabytes: float) -> int:
    """Write a closed database of about that size; returns its rows."""
    rows = int(megabytes * 1_000_000 / BYTES_PER_ROW)
    sessions = max(1, min(SESSIONS, rows // ROWS_OF_A_SESSION))
    for session in range(sessions):
        start, stop = rows * session // sessions, rows * (session + 1) // sessions
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
        row = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()
    return int(row[0]) if row else 0


def add(path: Path, start: int, count: int) -> None:
    """Insert `count` rows, numbered from `start`, and close: the WAL goes into the file."""
    import duckdb

    with duckdb.connect(str(path)) as connection:
        for statement in (*REFLECTION_TABLES, _PROVENANCE):
            connection.execute(statement)
        for table, indexes in _INDEXES.items():
            for number, columns in enumerate(indexes):
                connection.execute(
                    f"CREATE INDEX IF NOT EXISTS {table}_{number} ON {table}({columns})"
                )
        connection.execute(_INSERT, {"start": start, "stop": start + count, "words": WORDS})
        since = _FIRST + dt.timedelta(seconds=start)
        for statement in _FOLLOWING:
            connection.execute(statement, {"since": since})
