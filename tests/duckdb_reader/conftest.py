"""A database of 30 conversations and 5 reflections, and all of its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.duckdb_reader import Key, Row, Table, read

SECONDS = 60.0


def everything(table: Table, keys: list[Key]) -> list[int]:
    return [key.rowid for key in keys]


def rows_of(path: Path) -> list[Row]:
    messages = read(path, everything, timeout_seconds=SECONDS)
    return [each for each in messages if isinstance(each, Row)]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "copy" / "reflection.duckdb"
    path.parent.mkdir()
    make_reflection_database(path, conversations=30, reflections=5)
    return path
