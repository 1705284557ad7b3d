"""Opening a copy with its sidecars as its owner would, without changing any of them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

# https://www.sqlite.org/fileformat.html#the_rollback_journal
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
# A database of Session-Buddy's needs a few MB; a row of hundreds of MB is no reason to read no more.
HEAP_BYTES = 512 * 1024 * 1024
CACHE_KIB = 4096


class NotOpenedError(Exception):
    """The copy must not be opened; says why."""


def open_copy(path: Path, scratch: Path) -> sqlite3.Connection:
    """Open the database at `path` with what lies beside it; SQLite writes in `scratch` only.

    Raises NotOpenedError, sqlite3.Error, OSError.
    """
    wal, journal = (path.with_name(path.name + end) for end in ("-wal", "-journal"))
    if is_hot(journal):
        if names_another(journal):
            raise NotOpenedError(
                "its -journal is of a change to several databases, and SQLite would delete the file that "
                "it names"
            )
        for each in (path, wal, journal):
            if each.exists():
                shutil.copyfile(each, scratch / each.name)
        return _connect(scratch / path.name, "mode=rw")
    if _size(wal):
        # Read-only, it is replayed in a `-shm` beside it, and never written into the database.
        for each in (path, wal):
            _link(each, scratch / each.name)
        return _connect(scratch / path.name, "mode=ro")
    return _connect(path, "mode=ro&immutable=1")


def _connect(path: Path, parameters: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{parameters}", uri=True, isolation_level=None
    )
    # The copy may come from a bucket: what its schema says is run as little as SQLite lets us.
    for pragma in (
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "ignore_check_constraints = ON",
        "mmap_size = 0",
        "temp_store = MEMORY",
        f"hard_heap_limit = {HEAP_BYTES}",
        f"cache_size = -{CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.text_factory = lambda data: data.decode(errors="replace")
    return connection


def is_hot(journal: Path) -> bool:
    """Whether SQLite would undo what the journal says: one that ended has no header any more."""
    try:
        with journal.open("rb") as file:
            return file.read(len(JOURNAL_MAGIC)) == JOURNAL_MAGIC
    except FileNotFoundError:
        return False


def names_another(journal: Path) -> bool:
    """Whether the journal ends with the name of a super-journal.

    SQLite reads a file of that name, wherever it is, and may delete it.
    """
    with journal.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - len(JOURNAL_MAGIC)))
        return length > len(JOURNAL_MAGIC) and file.read() == JOURNAL_MAGIC


def _link(path: Path, link: Path) -> None:
    try:
        os.link(path, link)
    except OSError:  # a filesystem without hard links
        shutil.copyfile(path, link)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
