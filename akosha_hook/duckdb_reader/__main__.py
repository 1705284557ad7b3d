"""The child that runs DuckDB: `python -m akosha_hook.duckdb_reader MODE DATABASE SCRATCH`.

MODE is `count`, `check` or `rows`, which only read, or `replay`, which writes.

It ends when its parent does, whatever it is doing: the parent holds the other end of stdin.
"""

from __future__ import annotations

import math
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from akosha_hook.duckdb_reader.carried import carried
from akosha_hook.duckdb_reader.messages import (
    Carries,
    Count,
    End,
    Failure,
    Key,
    Keys,
    Message,
    Replayed,
    Row,
    Table,
)
from akosha_hook.duckdb_reader.opening import open_copy, replay, sidecars
from akosha_hook.duckdb_reader.tables import Source, quoted, sources
from akosha_hook.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

# In MB. With the first limit this whole process takes about 97 MB, whatever the size of the database.
# Rows replayed from a sidecar have to fit as well: 40 is enough for what Session-Buddy leaves in
# one. The larger limits are for rows of many megabytes.
MEMORY_LIMITS = (16, 24, 40, 64, 512)
MEMORY_LIMITS_WITH_SIDECARS = MEMORY_LIMITS[2:]
WINDOW = 2048  # rows; the size of DuckDB's vectors
SLICE = 128


class Parent:
    """The parent process: messages to it, replies from it."""

    def __init__(self) -> None:
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._encoder = msgspec.json.Encoder()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        partial = b""
        while received := os.read(0, 65_536):
            *lines, partial = (partial + received).split(b"\n")
            for line in lines:
                self._replies.put(line)
        os._exit(1)

    def say(self, message: Message) -> None:
        sys.stdout.buffer.write(self._encoder.encode(message) + b"\n")

    def ask(self, table: int, keys: list[Key]) -> list[int]:
        """The rowids of the rows that the parent wants."""
        self.say(Keys(table, keys))
        sys.stdout.buffer.flush()
        return msgspec.json.decode(self._replies.get(), type=list[int])


class Reader:
    """A database opened read-only; the memory limit is raised only where it was too low."""

    def __init__(self, path: str, scratch: str) -> None:
        self._path = path
        self._scratch = scratch
        self._limits = list(MEMORY_LIMITS_WITH_SIDECARS if sidecars(path) else MEMORY_LIMITS)
        self._connection: duckdb.DuckDBPyConnection | None = None

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        import duckdb

        while True:
            try:
                if self._connection is None:
                    self._connection = open_copy(self._path, self._scratch, self._limits[0])
                return self._connection.execute(sql, parameters).fetchall()
            except duckdb.OutOfMemoryException:
                if len(self._limits) == 1:
                    raise
                # Raising the limit is not enough: after a query that ran out of memory, DuckDB
                # 2.0.0 hangs in the next one over replayed rows. So the database is reopened.
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                del self._limits[0]


def count(reader: Reader, parent: Parent) -> None:
    """Count conversations; one that is in several tables counts once."""
    tables = [each for each in sources(reader.all) if each.kind == "conversation"]
    filled = [each for each in tables if reader.all(f"SELECT 1 FROM {each.sql} LIMIT 1")]
    parent.say(Count(reader.all(_count_sql(filled))[0][0] if filled else 0))


def _count_sql(tables: Sequence[Source]) -> str:
    """Rows of the first table, and of each other those that no table before it has.

    Another table has the same row where its id is the same, or, after `session-buddy migrate` gave
    it another id, text and time of creation are.
    """
    if len(tables) == 1:
        return f"SELECT count(*) FROM {tables[0].sql}"
    union = " UNION ALL ".join(
        f"SELECT {number} AS number, * FROM ({each.identity_sql})"
        for number, each in enumerate(tables)
    )
    return f"""WITH every AS ({union}),
        ids AS (SELECT id, min(number) AS number FROM every GROUP BY id),
        contents AS (SELECT digest, created, min(number) AS number FROM every
                     WHERE created IS NOT NULL GROUP BY digest, created)
        SELECT count(*) FROM every
        JOIN ids ON every.id IS NOT DISTINCT FROM ids.id AND every.number = ids.number
        LEFT JOIN contents ON every.digest = contents.digest AND every.created = contents.created
        WHERE coalesce(contents.number, every.number) = every.number"""


def check(reader: Reader, parent: Parent) -> None:
    """Say what the database carries, then read every value of every table.

    DuckDB raises where the checksum of a block is wrong.
    """
    for kind, name in carried(reader.all):
        parent.say(Carries(kind, name))
    for table in sources(reader.all):
        values = ", ".join(f"bit_xor(hash({quoted(name)}))" for name in table.columns)
        reader.all(f"SELECT {values} FROM {table.sql}")


def rows(reader: Reader, parent: Parent) -> None:
    """Announce every table, then ask which rows of each are wanted, and send those."""
    announced: list[tuple[Source, int]] = []
    for source in sources(reader.all):
        if source.kind is not None:
            total, last = reader.all(f"SELECT count(*), max(rowid) FROM {source.sql}")[0]
            if total:
                parent.say(Table(source.name, source.kind, total))
                announced.append((source, last))
    for index, (source, last) in enumerate(announced):
        if source.kind == "graph":
            continue
        for first in range(0, last + 1, WINDOW):
            keys = [Key(*each) for each in reader.all(source.keys_sql, (first, first + WINDOW - 1))]
            if keys:
                wanted = parent.ask(index, keys)
                for row in _wanted(reader, source, wanted):
                    parent.say(row)


def _wanted(reader: Reader, source: Source, rowids: list[int]) -> Iterator[Row]:
    for start in range(0, len(rowids), SLICE):
        some = sorted(rowids[start : start + SLICE])
        numbers = ", ".join(str(int(rowid)) for rowid in some)
        records = reader.all(f"{source.rows_sql} AND rowid IN ({numbers})", (some[0], some[-1]))
        for rowid, text, embedding, created_us, *extra in records:
            yield Row(
                rowid,
                text,
                embedding if embedding is not None and _finite(embedding) else None,
                created_us,
                {
                    name: value
                    for name, each in zip(source.extra_columns, extra, strict=True)
                    if (value := _plain(each)) is not None
                },
            )


def _finite(embedding: str) -> bool:
    """Whether DuckDB's text of an array is JSON, which has no `nan`, `inf` or `NULL`."""
    return "n" not in embedding and "N" not in embedding


def _plain(value: object) -> object:
    """`value` as a JSON type; None for an empty one."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [str(each) for each in value if each is not None]
    return value if isinstance(value, str | int) else str(value)


def _failure(error: Exception) -> Failure:
    import duckdb

    message = str(error).strip().split("\n", 1)[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return Failure(Kind.FAILED, message)
    if "version number" in message:  # DuckDB's words; it has no error class for this
        return Failure(Kind.TOO_NEW, message)
    if isinstance(error, duckdb.Error):
        return Failure(Kind.DAMAGED, message)
    return Failure(Kind.FAILED, f"{type(error).__name__}: {message}")


def main(arguments: Sequence[str]) -> None:
    mode, path, scratch = arguments
    parent = Parent()
    try:
        import duckdb  # noqa: F401 - reported below where it is missing

        if mode == "replay":
            parent.say(Replayed(replay(path, scratch)))
        else:
            {"count": count, "check": check, "rows": rows}[mode](Reader(path, scratch), parent)
        parent.say(End())
    except BrokenPipeError:
        os._exit(1)
    except ImportError as error:
        parent.say(Failure(Kind.FAILED, str(error)))
    except Exception as error:  # noqa: BLE001 - the parent reports it, whatever it is
        parent.say(_failure(error))
    sys.stdout.buffer.flush()
    # Without waiting for the listening thread or DuckDB: the parent removes the scratch directory.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
