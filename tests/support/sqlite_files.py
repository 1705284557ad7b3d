"""SQLite databases in every state in which a snapshot may find them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

_TABLE = "CREATE TABLE reminders (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"
_MORE = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
_ROWS = _MORE + "INSERT INTO reminders (body) SELECT 'call back ' || i FROM n"
# Ends without closing, as a process that is killed does.
_KILLED = """
import os, sqlite3, sys
path, script = sys.argv[1:]
connection = sqlite3.connect(path, isolation_level=None)
for statement in script.split(";"):
    connection.execute(statement).fetchall()
os._exit(0)
"""


def make(path: Path, rows: int = 100) -> Path:
    """A closed database in rollback mode, with an index."""
    with closing(connect(path)) as connection:
        connection.execute(_TABLE)
        connection.execute("CREATE INDEX by_body ON reminders (body)")
        connection.execute(_ROWS, (rows,))
        connection.commit()
    return path


def _killed(path: Path, script: str) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, str(path), script], check=True)


def make_with_wal(path: Path, rows: int = 100) -> Path:
    """A database in WAL mode whose last row is in its `-wal` only; whoever had it open is gone."""
    make(path, rows - 1)
    _killed(
        path,
        "PRAGMA journal_mode = WAL; INSERT INTO reminders (body) VALUES ('only in the wal')",
    )
    assert path.with_name(f"{path.name}-wal").stat().st_size
    return path


def make_with_hot_journal(path: Path, rows: int = 3000) -> Path:
    """A database in the middle of a change, of which pages are written already."""
    make(path, rows)
    _killed(
        path,
        "PRAGMA cache_size = 2; PRAGMA synchronous = OFF; BEGIN; "
        "UPDATE reminders SET body = 'half ' || body",
    )
    assert path.with_name(f"{path.name}-journal").stat().st_size
    return path


def name_super_journal(path: Path, super_journal: Path) -> None:
    """Let the hot journal say that the change spans several databases, which `super_journal` tells."""
    name = os.fsencode(super_journal)
    checksum = sum(name) & 0xFFFFFFFF
    journal = path.with_name(f"{path.name}-journal")
    # https://www.sqlite.org/fileformat.html#the_rollback_journal; the page is the lock byte's.
    page_of_the_lock = 0x40000000 // 4096 + 1
    data = journal.read_bytes()
    tail = page_of_the_lock.to_bytes(4, "big") + name + len(name).to_bytes(4, "big")
    journal.write_bytes(data + tail + checksum.to_bytes(4, "big") + data[:8])


def execute(path: Path, *statements: str) -> None:
    with closing(connect(path)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.commit()


def dump(path: Path) -> list[str]:
    """What is in it for whoever opens it plainly."""
    with closing(connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(connection.iterdump())


def family(path: Path) -> dict[str, bytes]:
    """The files of the database, by name, without what SQLite rebuilds."""
    return {
        each.name: each.read_bytes()
        for each in path.parent.glob(f"{path.name}*")
        if not each.name.endswith("-shm")
    }
