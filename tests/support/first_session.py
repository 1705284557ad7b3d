"""A database as Session-Buddy's first session leaves it: everything is in the write-ahead log.

A plain open cannot replay that log, as DuckDB (1.5 and 2.0) meets a column with a function in its
default, added to a table of the same log.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import duckdb

from tests.support.duckdb_files import crash_after

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 20
TABLE = (
    "CREATE TABLE conversations_v2 (id VARCHAR PRIMARY KEY, content VARCHAR, embedding FLOAT[384])"
)
COLUMN = """ALTER TABLE conversations_v2
    ADD COLUMN IF NOT EXISTS timestamp TIMESTAMP DEFAULT get_current_timestamp()"""
REFLECTIONS = "CREATE TABLE reflections_v2 (id VARCHAR PRIMARY KEY, content VARCHAR)"
STATEMENTS = (
    TABLE,
    COLUMN,
    REFLECTIONS,
    f"INSERT INTO conversations_v2 (id, content) SELECT i, 'text ' || i FROM range({ROWS}) t(i)",
    "INSERT INTO reflections_v2 VALUES ('r', 'a reflection')",
)


def make_first_session(path: Path, *more: str, end: signal.Signals = signal.SIGKILL) -> Path:
    """Its server is ended by `end` after the first session, and `more` statements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return crash_after(path, *STATEMENTS, *more, end=end)


def open_plainly(path: Path) -> None:
    """As Session-Buddy opens it, but read-only and without extensions. Raises duckdb.Error.

    With DuckDB's defaults, it would look for one in the network first.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    duckdb.connect(str(path), read_only=True, config=settings).close()


def rows_in(path: Path) -> list[object]:
    """How many conversations and reflections there are, and a hash of all values; nothing is changed."""
    with duckdb.connect(":memory:") as connection:
        quoted = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS theirs (READ_ONLY)")
        return [
            connection.execute(
                f"SELECT count(*), bit_xor(hash(t)) FROM theirs.{table} t"
            ).fetchall()
            for table in ("conversations_v2", "reflections_v2")
        ]
