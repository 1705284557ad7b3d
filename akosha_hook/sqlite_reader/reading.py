"""Whether a copy of a SQLite database is sound, what it carries, and how many rows it has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from akosha_hook.duckdb_reader import Inspection, NotCheckedError, ReadError
from akosha_hook.duckdb_reader import child as child_process
from akosha_hook.duckdb_reader.messages import Carries, Count
from akosha_hook.errors import Kind

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "akosha_hook.sqlite_reader"
NEWER_SQLITE = "A newer Python has a newer SQLite."
logger = logging.getLogger(__name__)


def inspect(database_path: Path, *, timeout_seconds: float) -> Inspection:
    """List the triggers and views of a copy, then let SQLite check all of it.

    `-wal` and `-journal` beside the copy are part of it. Raises NotCheckedError where the copy
    could not be checked: SQLite is too old for it, or the time was up.
    """
    carries: list[str] = []
    try:
        with child_process.run("check", database_path, timeout_seconds, module=MODULE) as child:
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
            hint=NEWER_SQLITE if error.kind is Kind.TOO_NEW else "",
            kind=error.kind,
        ) from error
    return Inspection(None, tuple(carries))


def row_count(database_path: Path, *, timeout_seconds: float) -> int | None:
    """The number of rows in all tables of a copy; None where they could not be counted."""
    try:
        with child_process.run("count", database_path, timeout_seconds, module=MODULE) as child:
            counts = [each.rows for each in child.messages() if isinstance(each, Count)]
    except ReadError as error:
        logger.info("Rows in %s were not counted: %s", database_path.name, error)
        return None
    return sum(counts)
