"""Looking into, and changing, real DuckDB files from outside."""

from __future__ import annotations

from pathlib import Path

import duckdb

from akosha_hook.demo.databases import add_conversations


def conversations_in(path: Path) -> int:
    with duckdb.connect(str(path)) as connection:
        row = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()
    assert row is not None
    return int(row[0])


def change(path: Path, count: int) -> None:
    """Add `count` conversations and close: the rows are in the file itself."""
    start = conversations_in(path)
    with duckdb.connect(str(path)) as connection:
        add_conversations(connection, count, start=start)
