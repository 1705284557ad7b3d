"""The child that runs SQLite: `python -m akosha_hook.sqlite_reader check|count DATABASE SCRATCH`.

It ends when its parent does, whatever it is doing: the parent holds the other end of stdin.
"""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.duckdb_reader.messages import Carries, Count, End, Failure, Message
from akosha_hook.errors import Kind
from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.sqlite_reader.carried import carried
from akosha_hook.sqlite_reader.opening import HEAP_BYTES, NotOpenedError, open_copy
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PROBLEMS = 100
MAX_MESSAGE = 200
SPARE_BYTES = 64 * 1024 * 1024
# https://www.sqlite.org/fileformat.html#the_database_header
HEADER_BYTES, READ_VERSION, FRACTIONS, WRITER = 100, 19, slice(21, 24), slice(96, 100)
NEWEST_READ_VERSION = 2
# Always these: in a header that was scrambled or encrypted they are others.
FIXED_FRACTIONS = bytes((64, 32, 32))
# Rows that break a constraint are what its owner wrote: the file is whole.
_CONSTRAINT = re.compile(r"(?:NULL|TEXT|NUMERIC|non-\w+) value in |CHECK constraint failed in ")
_UNABLE = "unable to validate "
_HEADING = re.compile(r"\*\*\* in database \w+ \*\*\*\s*")
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class DamagedError(Exception):
    """What `PRAGMA integrity_check` found."""


def say(message: Message) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")


def check(connection: sqlite3.Connection) -> None:
    """Say what the database carries, then read all of it, indexes included."""
    for kind, name in carried(connection):
        say(Carries(kind, name))
    found = connection.execute(f"PRAGMA main.integrity_check({MAX_PROBLEMS})")
    problems = [text for (text,) in found if text != "ok" and not _CONSTRAINT.match(text)]
    damage = [text for text in problems if not text.startswith(_UNABLE)]
    if damage:
        more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
        raise DamagedError(_line(damage[0]) + more)
    if problems:
        raise NotOpenedError(_line(problems[0]))


def _line(text: str) -> str:
    return one_line(_HEADING.sub("", text).strip().replace("\n", "; "), MAX_MESSAGE)


def count(connection: sqlite3.Connection) -> None:
    """Count the rows of all tables, without the ones that virtual tables keep their data in."""
    tables, virtual = [], []
    for name, statement in connection.execute("SELECT name, sql FROM main.sqlite_master"):
        if re.match(r"CREATE VIRTUAL\b", str(statement), re.IGNORECASE):
            virtual.append(f"{name}_")
        elif re.match(r"CREATE TABLE\b", str(statement), re.IGNORECASE):
            tables.append(str(name))
    rows = 0
    for name in tables:
        if not name.startswith(("sqlite_", *virtual)):
            quoted = name.replace('"', '""')
            rows += connection.execute(f'SELECT count(*) FROM main."{quoted}"').fetchone()[0]
    say(Count(rows))


def failure(error: Exception, path: Path) -> Failure:
    """What is said of an error; SQLite's own words only where they quote no row."""
    match error:
        case DamagedError():
            return Failure(Kind.DAMAGED, str(error))
        case NotOpenedError():
            return Failure(Kind.FAILED, str(error))
        case MemoryError():
            return Failure(Kind.FAILED, f"it takes more than {HEAP_BYTES // 1024**2} MB of memory")
        case sqlite3.Error():
            return _of_sqlite(error, path)
        case OSError():
            return Failure(Kind.FAILED, error.strerror or type(error).__name__)
    return Failure(Kind.FAILED, type(error).__name__)


def _of_sqlite(error: sqlite3.Error, path: Path) -> Failure:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if _is_too_new(path, code, str(error)):
        return Failure(Kind.TOO_NEW, f"SQLite {sqlite3.sqlite_version} is too old for it")
    if code in _DAMAGE:
        return Failure(Kind.DAMAGED, one_line(str(error), MAX_MESSAGE))
    return Failure(Kind.FAILED, f"SQLite says {name}")


def _is_too_new(path: Path, code: int, message: str) -> bool:
    """Whether a newer SQLite might read it. There is no error code for this, only SQLite's words."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header[FRACTIONS] != FIXED_FRACTIONS or len(header) < HEADER_BYTES:
        return False
    if code == sqlite3.SQLITE_NOTADB:
        return header[READ_VERSION] > NEWEST_READ_VERSION
    if code == sqlite3.SQLITE_CORRUPT and message.startswith("malformed database schema"):
        major, minor, patch = sqlite3.sqlite_version_info
        return int.from_bytes(header[WRITER], "big") > (major * 1000 + minor) * 1000 + patch
    return message == "unsupported file format"


def _limit(path: Path) -> None:
    """Bound what is written: a journal may say that the database has any number of pages."""
    there = [path.with_name(path.name + end) for end in ("", *SIDECARS_OF["sqlite"])]
    size = sum(each.stat().st_size for each in there if each.exists())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = 2 * size + SPARE_BYTES
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def _end_with_parent() -> None:
    def listen() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def main(arguments: Sequence[str]) -> None:
    mode, path, scratch = arguments[0], Path(arguments[1]), Path(arguments[2])
    _end_with_parent()
    try:
        _limit(path)
        with closing(open_copy(path, scratch)) as connection:
            {"check": check, "count": count}[mode](connection)
        say(End())
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:  # noqa: BLE001 - the parent reports it, whatever it is
        say(failure(error, path))
    sys.stdout.buffer.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
