"""Counts conversations in the background while a snapshot is uploaded."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from akosha_hook.duckdb_reader.reading import conversation_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from akosha_hook.snapshot import Database

COUNT_SECONDS = 60.0


class Counter:
    """Counts the databases one after the other; leaving the block waits for the one being counted."""

    def __init__(self, databases: Iterable[Database] = ()) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="count")
        self._counts: dict[str, Future[int | None]] = {}
        for database in databases:
            self._start(database)

    def _start(self, database: Database) -> Future[int | None]:
        count = self._pool.submit(
            conversation_count, database.file.path, timeout_seconds=COUNT_SECONDS
        )
        self._counts[database.name] = count
        return count

    def of(self, database: Database) -> int | None:
        """The number of conversations in the database; None where it could not be read.

        A database that was not given before is counted now.
        """
        return (self._counts.get(database.name) or self._start(database)).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
