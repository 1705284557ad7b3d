"""Looks into a copy of a SQLite database, in a child process that shares `duckdb_reader`'s harness.

Nothing of the copy is changed, not even by opening it: SQLite would replay a `-wal`, and undo what a
hot journal says, so that happens with links or copies in a directory of the child's own.
"""

from __future__ import annotations

from akosha_hook.sqlite_reader.reading import inspect, row_count

__all__ = ["inspect", "row_count"]
