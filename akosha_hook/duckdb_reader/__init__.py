"""Reads rows and counts of a snapshot copy with DuckDB, in a child process with little memory.

The child, `python -m akosha_hook.duckdb_reader`, keeps DuckDB's memory out of this process and ends
with it. It opens the copy read-only: DuckDB replays the sidecars (`.wal`, `.wal.checkpoint`) in
memory and writes nothing, so no second copy is needed. Only `replay` writes.
"""

from __future__ import annotations

from akosha_hook.duckdb_reader.counting import Counter
from akosha_hook.duckdb_reader.errors import NotCheckedError, ReadError
from akosha_hook.duckdb_reader.messages import Key, Row, Table
from akosha_hook.duckdb_reader.reading import (
    Inspection,
    check,
    conversation_count,
    inspect,
    read,
    replay,
)

__all__ = [
    "Counter",
    "Inspection",
    "Key",
    "NotCheckedError",
    "ReadError",
    "Row",
    "Table",
    "check",
    "conversation_count",
    "inspect",
    "read",
    "replay",
]
