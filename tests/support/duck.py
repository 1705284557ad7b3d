"""Looking into, and changing, real DuckDB files from outside."""

from __future__ import annotations

import functools
import random
import tempfile
from pathlib import Path

import duckdb

from akosha_hook.demo import databases
from akosha_hook.demo.databases import add_conversations


@functools.cache
def _made(conversations: int) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        databases.make_databases(Path(folder), conversations=conversations)
        return {each.name: each.read_bytes() for each in Path(folder).iterdir()}


def make_databases(directory: Path, *, conversations: int = 100) -> None:
    """The demo's databases, the same bytes every time: made once in a run."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in _made(conversations).items():
        (directory / name).write_bytes(content)


def add_ballast(path: Path) -> None:
    """4 MB that nothing changes: what a few rows change is a small share, however DuckDB writes."""
    source = random.Random(1)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE ballast (data BLOB)")
        pieces = [source.randbytes(100_000) for _ in range(40)]
        connection.execute("INSERT INTO ballast SELECT unnest(?)", [pieces])


def conversations_in(path: Path) -> int:
    with duckdb.connect(str(path)) as connection:
        row = connection.execute("SELECT count(*) FROM conversations_v2").fetchone()
    assert row is not None
    return int(row[0])


def empty(path: Path) -> None:
    """Delete every conversation and close."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM conversations_v2")


def change(path: Path, count: int) -> None:
    """Add `count` conversations and close: the rows are in the file itself."""
    start = conversations_in(path)
    with duckdb.connect(str(path)) as connection:
        add_conversations(connection, count, start=start)
