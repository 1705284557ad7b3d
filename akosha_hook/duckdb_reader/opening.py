"""Opening a copy in the child, and replaying its write-ahead log into it.

A plain open cannot replay every log that DuckDB itself wrote: while it does, functions like
`get_current_timestamp` are not there yet, and `ALTER TABLE` may need them. They are once another
database is open: ATTACH to one in memory replays the same log.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.duckdb_reader.tables import quoted, sources
from akosha_hook.format.manifest import sidecars_of

if TYPE_CHECKING:
    import duckdb

NAME = "akosha_hook_copy"  # a name that no schema in it has
REPLAY_MEGABYTES = 1024  # at most; what a log takes is a small multiple of its size


def sidecars(path: str) -> list[str]:
    """The files beside the copy that DuckDB replays when it is opened."""
    return [path + end for end in sidecars_of("duckdb") if Path(path + end).exists()]


def open_copy(path: str, scratch: str, megabytes: int) -> duckdb.DuckDBPyConnection:
    """The copy, read-only and current; plainly where that is possible, else by ATTACH.

    Where neither is, raises what the plain open raised, but DuckDB's OutOfMemoryException where
    `megabytes` did not suffice.
    """
    import duckdb

    try:
        return open_plainly(path, scratch, megabytes)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        if not sidecars(path):
            raise
        try:
            return _attach(path, scratch, megabytes, "READ_ONLY")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            pass  # what the plain open says is what everybody else will see
        raise


def open_plainly(path: str, scratch: str, megabytes: int) -> duckdb.DuckDBPyConnection:
    """The copy as its owner opens it, but read-only. Raises DuckDB's errors."""
    import duckdb

    return _restricted(
        duckdb.connect(path, read_only=True, config=_configuration(scratch, megabytes))
    )


def replay(path: str, scratch: str) -> bool:
    """Make a plain open of the database work; False where it works already.

    Replays the log, writes it into the database, and proves that a plain open then finds as many
    rows in each table. Raises DuckDB's errors, and RuntimeError where the proof fails.
    """
    import duckdb

    try:
        open_plainly(path, scratch, REPLAY_MEGABYTES).close()
    except duckdb.Error:
        before = _write_log(path, scratch)
    else:
        return False
    left = [Path(each).name for each in sidecars(path)]
    if left:
        raise RuntimeError(f"{', '.join(left)} did not go at a checkpoint")
    with open_plainly(path, scratch, REPLAY_MEGABYTES) as connection:
        if _row_counts(connection) != before:
            raise RuntimeError("a plain open finds other rows than the log has")
    return True


def _write_log(path: str, scratch: str) -> dict[str, int]:
    with _attach(path, scratch, REPLAY_MEGABYTES, "READ_WRITE") as connection:
        counts = _row_counts(connection)
        connection.execute(f"CHECKPOINT {NAME}")
        connection.execute("USE memory")
        connection.execute(f"DETACH {NAME}")
    return counts


def _row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The number of rows of each table."""
    tables = [each.sql for each in sources(lambda sql: connection.execute(sql).fetchall())]
    return {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        for table in tables
    }


def _attach(path: str, scratch: str, megabytes: int, access: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(":memory:", config=_configuration(scratch, megabytes))
    try:
        connection.execute(f"ATTACH {_literal(path)} AS {quoted(NAME)} ({access}, TYPE duckdb)")
        connection.execute(f"USE {quoted(NAME)}")
        return _restricted(connection)
    except BaseException:
        connection.close()
        raise


def _configuration(scratch: str, megabytes: int) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{megabytes}MB",
        "threads": 1,
        "temp_directory": scratch,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }


def _restricted(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The copy may come from a bucket: a view in it must not read other files."""
    connection.execute("SET enable_external_access = false")
    return connection


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
