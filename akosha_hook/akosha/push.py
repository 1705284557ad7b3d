"""Push to an Akosha server what a snapshot holds and the server has not acknowledged yet."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook import duckdb_reader as rows
from akosha_hook.akosha.client import probing
from akosha_hook.akosha.client.failures import NotRunningError
from akosha_hook.akosha.client.session import Session
from akosha_hook.akosha.counts import Tally
from akosha_hook.akosha.rows import Chooser
from akosha_hook.akosha.sender import Sender
from akosha_hook.errors import AkoshaHookError, DeadlinePassedError, DeliveryError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.client.transport import Transport
    from akosha_hook.akosha.memory import Memory
    from akosha_hook.duckdb_reader import Key, Table
    from akosha_hook.snapshot import Database
    from akosha_hook.util.progress import Progress
    from akosha_hook.util.retry import RetryPolicy

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Push:
    """One push. `tally` tells at any moment what is done, also after an error."""

    transport: Transport
    retry: RetryPolicy
    acknowledged: Acknowledged
    progress: Progress
    system_id: str
    tally: Tally = field(default_factory=Tally)
    _session: Session | None = None
    _sender: Sender | None = None
    _unreadable: dict[str, str] = field(default_factory=dict)

    def run(self, databases: Sequence[Database]) -> None:
        """Send every new row of `databases`. No new row: no request.

        Raises AkoshaHookError, with the tally as its details, where a row that should have been
        stored was not; what was stored by then stays stored and is remembered.
        """
        try:
            for database in databases:
                self._database(database)
            if self._sender is not None:
                self._sender.flush()
            self._raise_unless_complete()
        except AkoshaHookError as error:
            if self.tally.stored and error.__class__ is not _IncompleteError:
                error.message += f" {self.tally.stored} memories were stored before that."
                error.args = (error.message,)
            error.details = self.details()
            raise
        finally:
            if self._session is not None:
                self._session.close()

    def details(self) -> dict[str, object]:
        """For the receipt."""
        version = self._session.server_version if self._session is not None else ""
        return {"url": self.transport.base, "server_version": version, **self.tally.details()}

    def _database(self, database: Database) -> None:
        self.progress.file(database.name, database.file.size)
        watched = _Watched(self, database)
        chooser = Chooser(self.system_id, self.acknowledged, self.tally)

        def choose(table: Table, keys: list[Key]) -> list[int]:
            watched.looked_at(len(keys))
            return chooser.choose(table, keys)

        try:
            with contextlib.closing(
                rows.read(database.file.path, choose, timeout_seconds=self.retry.deadline.remaining)
            ) as found:
                for each in found:
                    if isinstance(each, rows.Row):
                        self._send(chooser.memory(each))
                    elif each.kind == "graph":
                        carried = self.tally.not_carried
                        carried[each.name] = carried.get(each.name, 0) + each.rows
                    else:
                        watched.total += each.rows
        except rows.ReadError as error:
            if error.trouble is rows.Trouble.TIME:
                raise DeadlinePassedError(self.retry.deadline.seconds) from error
            logger.warning("%s could not be read: %s", database.name, error.message)
            self._unreadable[database.name] = error.message
        watched.done()

    def _send(self, memory: Memory) -> None:
        if self._sender is None:
            self._find_server()
            self._session = Session(self.transport, self.retry)
            self._sender = Sender(self._session, self.transport.base, self.acknowledged, self.tally)
        self._sender.add(memory)

    def _find_server(self) -> None:
        """Fail at once where nothing listens; `/mcp` has the last word on everything else."""

        def attempt() -> NotRunningError | None:
            try:
                probing.ask_health(self.transport)
            except NotRunningError as error:
                return error  # not raised here: waiting does not start a server
            return None

        if (not_running := self.retry.call(attempt)) is not None:
            raise not_running

    def _raise_unless_complete(self) -> None:
        failed, tally = self.tally.failures, self.tally
        if not failed and not self._unreadable:
            return
        parts = [f"{name} could not be read: {said}" for name, said in self._unreadable.items()]
        if failed:
            reasons = "; ".join(f"{reason} ({n})" for reason, n in tally.failed.most_common(2))
            parts.insert(0, f"{failed} memories failed: {reasons}")
        raise _IncompleteError(
            f"Akosha stored {tally.stored} memories. {'. '.join(parts)}.",
            hint="The rest is tried again by the next sync: akosha-hook sync",
            code="incomplete",
            retryable=True,
            exit_code=ExitCode.FAILED,
        )


class _IncompleteError(DeliveryError):
    """Some rows are stored and others are not."""


class _Watched:
    """Tells the progress in plain bytes, a database's size spread evenly over its rows."""

    def __init__(self, push: Push, database: Database) -> None:
        self._push = push
        self._database = database
        self._told = 0
        self._sent = push.transport.bytes_sent
        self._rows = 0
        self.total = 0

    def looked_at(self, count: int) -> None:
        """The rows before these are dealt with."""
        self._tell(self._database.file.size * self._rows // max(1, self.total))
        self._rows = min(self.total, self._rows + count)

    def done(self) -> None:
        self._tell(self._database.file.size)

    def _tell(self, plain_bytes: int) -> None:
        sent = self._push.transport.bytes_sent
        self._push.progress.advance(
            self._database.name, plain_bytes - self._told, sent - self._sent
        )
        self._told, self._sent = plain_bytes, sent
