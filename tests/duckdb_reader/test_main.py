"""The child itself: memory, windows of rows, what it may read, when it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from akosha_hook.duckdb_reader.__main__ import Reader
from tests.duckdb_reader.conftest import rows_of
from tests.support.duckdb_files import (
    make,
)

V2 = "CREATE TABLE conversations_v2 (id VARCHAR PRIMARY KEY, content VARCHAR, embedding FLOAT[384])"


def test_the_child_ends_when_its_parent_is_gone(database: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "akosha_hook.duckdb_reader",
            "rows",
            str(database),
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b"table" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(timeout=60) == 1


def test_more_rows_than_one_window_are_sent_once_each(tmp_path: Path) -> None:
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        "INSERT INTO conversations_v2 (id, content) SELECT i, 'text ' || i FROM range(5000) t(i)",
        "DELETE FROM conversations_v2 WHERE id::INT BETWEEN 100 AND 4500",
    )
    texts = [row.text for row in rows_of(path)]
    assert texts == [f"text {n}" for n in (*range(100), *range(4501, 5000))]


def test_reading_a_large_database_takes_little_memory(tmp_path: Path) -> None:
    """130 MB of embeddings; the limit is what the whole child may take, DuckDB's code included."""
    path = make(
        tmp_path / "reflection.duckdb",
        V2,
        "INSERT INTO conversations_v2 SELECT i, 'text ' || i, "
        "list_transform(range(384), lambda x: random())::FLOAT[384] FROM range(80000) t(i)",
    )
    program = (
        "import resource, sys, pathlib\n"
        "from akosha_hook import duckdb_reader as rows\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "assert rows.check(path, timeout_seconds=100) is None\n"
        "list(rows.read(path, lambda table, keys: [keys[0].rowid], timeout_seconds=100))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 130_000_000


def test_a_view_in_a_database_cannot_read_other_files(tmp_path: Path) -> None:
    """A restore checks databases from a bucket, which may hold any view."""
    path, private = tmp_path / "theirs.duckdb", tmp_path / "private"
    private.write_text("precious")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW conversations AS SELECT * FROM read_text('{private}')")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    reader = Reader(str(path), str(scratch))
    for query in ("SELECT * FROM conversations", f"COPY (SELECT 1) TO '{tmp_path}/written'"):
        with pytest.raises(duckdb.PermissionException):
            reader.all(query)
    assert not (tmp_path / "written").exists()
