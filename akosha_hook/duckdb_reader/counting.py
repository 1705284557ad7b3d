"""Counts conversations in the background while a snapshot is uploaded.

A count is worth a moment, never an upload: whatever goes wrong with one, there is none.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self

from akosha_hook.duckdb_reader.reading import conversation_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from akosha_hook.duckdb_reader.child import Child
    from akosha_hook.snapshot import Database

# For one database, from the start of its child.
COUNT_SECONDS = 60.0
# For the counts of all databases together, from when the first is asked for.
WAIT_SECONDS = 60.0
# A child that was killed is gone in milliseconds, unless the kernel holds on to it.
END_SECONDS = 1.0
logger = logging.getLogger(__name__)


class Counter:
    """Counts the databases one after the other; leaving the block kills the child that counts.

    The threads are daemons: nothing at the end of the process waits for one that is stuck.
    """

    def __init__(
        self, databases: Iterable[Database] = (), *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._left = wait_seconds
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._child: Child | None = None
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._counts: dict[str, Future[int | None]] = {}
        self._start(list(databases))

    def of(self, database: Database) -> int | None:
        """The number of conversations in the database; None where it is not known in time.

        All calls together wait for `wait_seconds` at most. A database that was not given before is
        counted now.
        """
        if database.name not in self._counts:
            self._start([database])
        began = time.monotonic()
        try:
            return self._counts[database.name].result(self._left)
        except TimeoutError:
            logger.info("Conversations in %s were not counted in time", database.name)
            return None
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - began))

    def _start(self, databases: list[Database]) -> None:
        if not databases:
            return
        self._counts |= {each.name: Future() for each in databases}
        thread = threading.Thread(target=self._count, args=(databases,), name="count", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            logger.info("Conversations are not counted: %s", error)
            for each in databases:
                self._counts[each.name].set_result(None)
        else:
            self._threads.append(thread)

    def _count(self, databases: list[Database]) -> None:
        for each in databases:
            count = None
            try:
                with self._turn:
                    if not self._ended:
                        count = conversation_count(
                            each.file.path, timeout_seconds=COUNT_SECONDS, started=self._started
                        )
            except Exception as error:  # noqa: BLE001 - no failure of a count may cost an upload
                logger.info("Conversations in %s were not counted: %r", each.name, error)
            finally:
                self._counts[each.name].set_result(count)

    def _started(self, child: Child) -> None:
        with self._guard:
            self._child = child
            if self._ended:
                child.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._ended = True
            if self._child is not None:
                self._child.kill()
        limit = time.monotonic() + END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))
