"""Conversations counted in the background, while a snapshot is on its way."""

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
    """Counts the databases it is given, one after the other; leaving it waits for the last."""

    def __init__(self, databases: Iterable[Database] = ()) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="count")
        self._counts: dict[str, Future[int | None]] = {}
        for database in databases:
            self._start(database)

    def _start(self, database: Database) -> Future[int | None]:
        counting = self._pool.submit(
            conversation_count, database.file.path, timeout_seconds=COUNT_SECONDS
        )
        self._counts[database.name] = counting
        return counting

    def of(self, database: Database) -> int | None:
        """Conversations in the database; None where it could not be looked into."""
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
