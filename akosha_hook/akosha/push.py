"""Push the rows of a snapshot that an Akosha server has not acknowledged yet."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akosha_hook import duckdb_reader
from akosha_hook.akosha import acknowledged, presence
from akosha_hook.akosha.client import probing
from akosha_hook.akosha.client.failures import NotRunningError
from akosha_hook.akosha.client.session import Session
from akosha_hook.akosha.counts import Counts, memories, was
from akosha_hook.akosha.rows import RowSelector
from akosha_hook.akosha.sender import Sender
from akosha_hook.errors import (
    AkoshaHookError,
    DeadlinePassedError,
    DeliveryError,
    ExitCode,
    Kind,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.client.transport import Transport
    from akosha_hook.akosha.memory import Memory
    from akosha_hook.context import Context
    from akosha_hook.duckdb_reader import Key, Table
    from akosha_hook.snapshot import Database
    from akosha_hook.util.progress import Progress
    from akosha_hook.util.retry import RetryPolicy

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PushResult:
    """A complete push. `notes` are for the user, `details` for the receipt."""

    bytes_sent: int
    notes: tuple[str, ...]
    details: dict[str, Any]


def push(
    context: Context,
    databases: Sequence[Database],
    system_id: str,
    retry: RetryPolicy,
    others: Callable[[], Sequence[Database]] = tuple,
) -> PushResult:
    """Send every new row of `databases` to the server of the settings.

    Where the server has lost what it acknowledged earlier, every row is sent again, also those of
    `others`: the databases that have not changed, which are asked for only then. Raises
    AkoshaHookError where a row that should have been stored was not. Its `details` count the rows
    too: what was stored stays stored, and the next push sends the rest.
    """
    transport = probing.connect(
        context.settings,
        context.environ,
        retry.deadline,
        url_is_set=probing.url_is_set(context.loaded),
    )
    with acknowledged.opened(context.paths, transport.base) as known:
        pusher = Pusher(transport, retry, known, context.progress, system_id, others)
        pusher.run(databases)
        problems = (known.problem,) if known.problem else ()
    return PushResult(
        bytes_sent=transport.bytes_sent,
        notes=(*pusher.counts.notes(), *pusher.notes, *problems),
        details=pusher.details(),
    )


@dataclass(slots=True)
class Pusher:
    """One push. `counts` are right at any moment, also after an error."""

    transport: Transport
    retry: RetryPolicy
    acknowledged: Acknowledged
    progress: Progress
    system_id: str
    others: Callable[[], Sequence[Database]] = tuple
    counts: Counts = field(default_factory=Counts)
    notes: list[str] = field(default_factory=list)
    _session: Session | None = None
    _sender: Sender | None = None
    _unreadable: dict[str, str] = field(default_factory=dict)
    _samples: list[Memory] = field(default_factory=list)
    _has_asked: bool = False

    def run(self, databases: Sequence[Database]) -> None:
        """Raises AkoshaHookError, with the counts as its details."""
        try:
            if self.acknowledged.is_owed:
                databases = [*databases, *self.others()]
            try:
                self._push_all(databases)
            except _RowsLostError:
                self._start_over()
                self._push_all([*databases, *self.others()])
            self._raise_unless_complete()
            self._settle()
        except AkoshaHookError as error:
            stored = self.counts.stored
            if stored and not isinstance(error, _IncompleteError):
                error.message += f" {memories(stored)} {was(stored)} stored before that."
                error.args = (error.message,)
            error.details = self.details()
            raise
        finally:
            if self._session is not None:
                self._session.close()

    def _settle(self) -> None:
        self.acknowledged.settle()
        if self._sender is not None and not self._has_asked:
            self.acknowledged.remember_asking(time.time())  # it has everything at this moment

    def has_lost(self, databases: Sequence[Database]) -> bool:
        """Ask for a few rows of `databases`; where they are lost, all are forgotten.

        Nothing else is sent. False where the server cannot be asked.
        """
        try:
            for database in databases:
                if not self._has_asked:
                    self._push(database, only_samples=True)
            if self._samples:
                self._ask()
        except _RowsLostError:
            self._start_over()
            return True
        finally:
            if self._session is not None:
                self._session.close()
        return False

    def details(self) -> dict[str, Any]:
        """For the receipt."""
        version = self._session.server_version if self._session is not None else ""
        return {"url": self.transport.base, "server_version": version, **self.counts.details()}

    def _push_all(self, databases: Sequence[Database]) -> None:
        for database in databases:
            self._push(database)
        if self._samples:
            self._ask()
        if self._sender is not None:
            self._sender.flush()

    def _push(self, database: Database, *, only_samples: bool = False) -> None:
        if database.kind != "duckdb":  # memories are in DuckDB databases only
            return
        self.progress.file(database.name, database.file.size)
        progress = _DatabaseProgress(self.progress, self.transport, database)
        selector = RowSelector(self.system_id, self.acknowledged, self.counts, self._is_waiting)

        def select(table: Table, keys: list[Key]) -> list[int]:
            progress.advance(len(keys))
            samples = 0 if self._has_asked else presence.SAMPLES - len(self._samples)
            return selector.select(table, keys, samples, only_samples=only_samples)

        remaining = self.retry.deadline.remaining
        try:
            with contextlib.closing(
                duckdb_reader.read(database.file.path, select, timeout_seconds=remaining)
            ) as messages:
                for message in messages:
                    if isinstance(message, duckdb_reader.Row):
                        memory = selector.memory(message)
                        if selector.is_sample(message):
                            self._sample(memory)
                        else:
                            self._open().add(memory)
                    elif message.kind == "graph":
                        self.counts.not_carried[message.name] += message.rows
                    else:
                        progress.total_rows += message.rows
                    if only_samples and self._has_asked:
                        break
        except duckdb_reader.ReadError as error:
            if error.kind is Kind.TIMED_OUT:
                raise DeadlinePassedError(self.retry.deadline.seconds) from error
            logger.warning("%s could not be read: %s", database.name, error.message)
            self._unreadable[database.name] = error.message
        progress.finish()

    def _open(self) -> Sender:
        if self._sender is None:
            self._require_server()
            self._session = Session(self.transport, self.retry)
            self._sender = Sender(
                self._session, self.transport.base, self.acknowledged, self.counts
            )
        return self._sender

    def _is_waiting(self, content: bytes) -> bool:
        return self._sender is not None and self._sender.is_waiting(content)

    def _sample(self, memory: Memory) -> None:
        self._samples.append(memory)
        if len(self._samples) == presence.SAMPLES:
            self._ask()

    def _ask(self) -> None:
        """Raise _RowsLostError where the server no longer has a row of the samples.

        Without an answer nothing changes: then there may be nothing to send either.
        """
        samples, self._samples = self._samples, []
        self._has_asked = True
        now = time.time()
        try:
            lost = presence.has_lost(self._open(), samples)
            self.acknowledged.remember_asking(now)
        except AkoshaHookError as error:
            self.acknowledged.remember_asking(now - presence.ASK_SECONDS + presence.AGAIN_SECONDS)
            logger.warning("%s: %s", presence.NOT_ASKED, error.message)
            self.notes.append(f"{presence.NOT_ASKED}: {error.message}")
            return
        if lost:
            raise _RowsLostError

    def _start_over(self) -> None:
        """Forget what the server acknowledged, and every count but of what it has stored now."""
        logger.warning("%s", presence.LOST)
        self.notes.append(presence.LOST)
        self.acknowledged.forget()
        if self._sender is not None:
            self._sender.discard()
        self.counts.known = 0
        for reasons in (self.counts.skipped, self.counts.failed, self.counts.not_carried):
            reasons.clear()
        self._unreadable.clear()

    def _require_server(self) -> None:
        """Fail at once where nothing listens; whatever else is wrong, `/mcp` will say."""

        def attempt() -> NotRunningError | None:
            try:
                probing.ask_health(self.transport)
            except NotRunningError as error:
                return error  # raised outside `retry`: waiting does not start a server
            return None

        if (not_running := self.retry.call(attempt)) is not None:
            raise not_running

    def _raise_unless_complete(self) -> None:
        counts, failed = self.counts, self.counts.failures
        if not failed and not self._unreadable:
            return
        problems = [
            f"{name} could not be read: {reason}" for name, reason in self._unreadable.items()
        ]
        if failed:
            reasons = "; ".join(f"{reason} ({n})" for reason, n in counts.failed.most_common(2))
            problems.insert(0, f"{memories(failed)} could not be stored: {reasons}")
        raise _IncompleteError(
            f"Akosha stored {memories(counts.stored)}. {'. '.join(problems)}.",
            hint="The next sync sends the rest: akosha-hook sync",
            kind=Kind.FAILED,
            code="incomplete",
            retryable=True,
            exit_code=ExitCode.FAILED,
        )


class _IncompleteError(DeliveryError):
    """Some rows are stored and others are not."""


class _RowsLostError(Exception):
    """The server no longer has rows that it acknowledged."""


class _DatabaseProgress:
    """Reports progress in bytes of the database, whose size is spread evenly over its rows."""

    def __init__(self, progress: Progress, transport: Transport, database: Database) -> None:
        self._progress = progress
        self._transport = transport
        self._database = database
        self._reported_plain = 0
        self._reported_wire = transport.bytes_sent
        self._rows = 0
        self.total_rows = 0

    def advance(self, rows: int) -> None:
        """Report every row before the next `rows`: those are still to be sent."""
        self._report(self._database.file.size * self._rows // max(1, self.total_rows))
        self._rows = min(self.total_rows, self._rows + rows)

    def finish(self) -> None:
        self._report(self._database.file.size)

    def _report(self, plain_bytes: int) -> None:
        wire_bytes = self._transport.bytes_sent
        self._progress.advance(
            self._database.name,
            plain_bytes - self._reported_plain,
            wire_bytes - self._reported_wire,
        )
        self._reported_plain, self._reported_wire = plain_bytes, wire_bytes
