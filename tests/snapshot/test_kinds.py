"""Of which kind a file is, by its first bytes."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from akosha_hook.snapshot.kinds import head, kind_of, kind_of_bytes
from tests.support.duck import make_databases


def test_real_databases_are_told_by_their_bytes_whatever_they_are_called(tmp_path: Path) -> None:
    make_databases(tmp_path, conversations=1)
    (tmp_path / "reflection.duckdb").rename(tmp_path / "workflow_metrics.db")
    with sqlite3.connect(tmp_path / "memories") as connection:
        connection.execute("CREATE TABLE t (i)")
    connection.close()
    assert kind_of(tmp_path / "workflow_metrics.db") == "duckdb"
    assert kind_of(tmp_path / "memories") == "sqlite"


@pytest.mark.parametrize(
    "content", [b"", b"DUCK", b"SQLite format 3", b"SQLite format 2\0", b"\0" * 7 + b"DUCKDUCK"]
)
def test_anything_else_is_neither(content: bytes) -> None:
    assert kind_of_bytes(content) is None


def test_a_pipe_is_neither_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    assert head(tmp_path / "pipe.db") == b""
    assert kind_of(tmp_path / "pipe.db") is None


def test_what_cannot_be_read_is_neither(tmp_path: Path) -> None:
    assert kind_of(tmp_path / "nothing.db") is None
    assert kind_of(tmp_path) is None
