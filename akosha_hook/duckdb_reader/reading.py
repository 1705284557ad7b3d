"""Reading a snapshot copy: its rows, its number of conversations, whether it is sound."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.duckdb_reader import child as child_process
from akosha_hook.duckdb_reader.errors import NotCheckedError, ReadError
from akosha_hook.duckdb_reader.messages import Carries, Count, Key, Keys, Replayed, Row, Table
from akosha_hook.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from akosha_hook.duckdb_reader.child import Child

logger = logging.getLogger(__name__)


def read(
    database_path: Path,
    select: Callable[[Table, list[Key]], Sequence[int]],
    *,
    timeout_seconds: float,
) -> Generator[Table | Row]:
    """Every table with memories or a knowledge graph, then the selected rows.

    `select` gets some keys of a table at a time and returns the rowids of the rows to send, which
    follow before it is called again. Close the generator: the child runs until then. Raises
    ReadError.
    """
    with child_process.run("rows", database_path, timeout_seconds) as child:
        tables: list[Table] = []
        for message in child.messages():
            if isinstance(message, Table):
                tables.append(message)
                yield message
            elif isinstance(message, Keys):
                child.reply(select(tables[message.table], message.keys))
            elif isinstance(message, Row):
                yield message


def conversation_count(
    database_path: Path,
    *,
    timeout_seconds: float,
    started: Callable[[Child], None] | None = None,
) -> int | None:
    """The number of different conversations in a copy; 0 where it has no table of them.

    None where they could not be counted: DuckDB is too old for the file, the file is damaged, the
    time was up, or the child was killed. `started` is given the child, to kill it.
    """
    try:
        with child_process.run("count", database_path, timeout_seconds) as child:
            if started is not None:
                started(child)
            counts = [each.rows for each in child.messages() if isinstance(each, Count)]
    except ReadError as error:
        logger.info("Conversations in %s were not counted: %s", database_path.name, error)
        return None
    return sum(counts)


class Inspection(NamedTuple):
    """What is damaged in a copy, or None; and the macros, views and triggers that it carries."""

    problem: str | None
    carries: tuple[str, ...]


def check(database_path: Path, *, timeout_seconds: float) -> str | None:
    """What `inspect` finds damaged, or None."""
    return inspect(database_path, timeout_seconds=timeout_seconds).problem


def inspect(database_path: Path, *, timeout_seconds: float) -> Inspection:
    """List what a copy carries that could run, then read every value of every table.

    Finds damage in table data, not in free or index blocks: compare hashes too. Raises
    NotCheckedError where the copy could not be checked: DuckDB is too old for it, or the time was
    up.
    """
    carries: list[str] = []
    try:
        with child_process.run("check", database_path, timeout_seconds) as child:
            carries.extend(
                f"the {each.kind} {each.name}"
                for each in child.messages()
                if isinstance(each, Carries)
            )
    except ReadError as error:
        if error.kind is Kind.DAMAGED:
            return Inspection(error.message, tuple(carries))
        raise NotCheckedError(
            f"{database_path.name} could not be checked: {error.message}",
            hint=error.hint,
            kind=error.kind,
        ) from error
    return Inspection(None, tuple(carries))


def replay(database_path: Path, *, timeout_seconds: float) -> bool:
    """Make a plain open of a database work, by writing its write-ahead log into it.

    Never to be called for a file that Session-Buddy uses. False where a plain open works already;
    then nothing is changed. Raises ReadError, after which the file may be half changed.
    """
    with child_process.run("replay", database_path, timeout_seconds) as child:
        results = [each.replayed for each in child.messages() if isinstance(each, Replayed)]
    return any(results)
