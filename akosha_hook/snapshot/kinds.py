"""Of which kind a database is, by its first bytes and not by its name; and what lies beside one."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Literal, TypeAlias

from akosha_hook.format.manifest import SIDECARS

if TYPE_CHECKING:
    from pathlib import Path

Kind: TypeAlias = Literal["duckdb", "sqlite"]

DUCKDB_MAGIC = b"DUCK"
DUCKDB_OFFSET = 8
# https://www.sqlite.org/fileformat.html#the_database_header
SQLITE_MAGIC = b"SQLite format 3\x00"
# `-shm` only exists while SQLite has a database open, and is never stored.
BESIDE = (*SIDECARS, "-shm")
HEAD_BYTES = max(len(SQLITE_MAGIC), DUCKDB_OFFSET + len(DUCKDB_MAGIC))


def kind_of(path: Path) -> Kind | None:
    """The kind of database that the file is; None where it is neither, or cannot be read."""
    try:
        return kind_of_bytes(head(path))
    except OSError:
        return None


def kind_of_bytes(first: bytes) -> Kind | None:
    """The kind of the database that begins with these bytes."""
    if first.startswith(SQLITE_MAGIC):
        return "sqlite"
    if first[DUCKDB_OFFSET:].startswith(DUCKDB_MAGIC):
        return "duckdb"
    return None


def head(path: Path) -> bytes:
    """The first `HEAD_BYTES` bytes of a file; b"" of what is not one, such as a pipe.

    Raises OSError where it cannot be read.
    """
    # A pipe would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.read(descriptor, HEAD_BYTES)
    finally:
        os.close(descriptor)


def is_sidecar(name: str) -> bool:
    """Whether a file of that name belongs to a database rather than being one."""
    return name.endswith(BESIDE)
