"""SQLite databases as Session-Buddy has them, and a writer of one in another process."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Self

_COMMITS = """
import sqlite3, sys, time
path, mode, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
connection = sqlite3.connect(path)
connection.execute("PRAGMA journal_mode = " + mode)
# Without waiting for the disk, commits come as fast as they can.
connection.execute("PRAGMA synchronous = OFF")
number = 0
due = time.monotonic()
while True:
    connection.execute("INSERT INTO notes (text) VALUES (?)", ("row %d" % number,))
    connection.execute("UPDATE notes SET text = text || '.' WHERE id = 1 + ? % 50", (number,))
    connection.commit()
    number += 1
    print(number, flush=True)
    due += pause
    time.sleep(max(0.0, due - time.monotonic()))
"""
# Pages reach the database before the commit; then it is as if the machine had lost power.
_CUT_OFF = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 2")
connection.execute("UPDATE notes SET text = 'never committed, ' || text")
os._exit(0)
"""
_LEFT_A_WAL = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode = wal")
connection.execute("INSERT INTO notes (text) VALUES ('only in the wal')")
connection.commit()
os._exit(0)
"""
ENOUGH = 20


def make_sqlite(path: Path, rows: int = 200, size: int = 200) -> Path:
    """A database with `rows` notes of about `size` bytes each."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
        texts = ((os.urandom(size // 2).hex(),) for _ in range(rows))
        connection.executemany("INSERT INTO notes (text) VALUES (?)", texts)
        connection.commit()
    return path


def cut_off(path: Path) -> None:
    """Leave a hot journal beside the database, as a power cut in mid-commit does."""
    subprocess.run([sys.executable, "-c", _CUT_OFF, path], check=True)
    assert path.with_name(path.name + "-journal").exists()


def leave_a_wal(path: Path) -> None:
    """Commit a row that only the `-wal` has."""
    subprocess.run([sys.executable, "-c", _LEFT_A_WAL, path], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size


def rows_in(path: Path) -> int:
    """Rows of a copy that may be changed, after a look at its structure."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(connection.execute("SELECT count(*) FROM notes").fetchone()[0])


class SQLiteWriter:
    """Commits without a pause until the block ends, in a mode, with the usual busy timeout."""

    def __init__(self, path: Path, mode: str, *, commits_a_second: int = 200) -> None:
        self._output = path.parent.with_name(f"{path.name}-{mode}.log")
        self._errors = self._output.with_suffix(".errors")
        pause = str(1 / commits_a_second)
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMITS, path, mode, pause], stdout=output, stderr=errors
            )
        while self.acknowledged() < ENOUGH:
            assert self._process.poll() is None, self._errors.read_text()

    def acknowledged(self) -> int:
        """Rows committed so far."""
        lines = self._output.read_bytes().split(b"\n")[:-1]
        return int(lines[-1]) if lines else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        failed = self._process.poll() is not None
        self._process.kill()
        self._process.wait()
        assert not failed, self._errors.read_text()
