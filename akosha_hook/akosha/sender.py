"""From memories to acknowledged rows: batches out, what the server said of each row back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.akosha.client import failures, tools
from akosha_hook.akosha.client.batches import Batch
from akosha_hook.akosha.memory import Memory, embeddable

if TYPE_CHECKING:
    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.client.session import Session
    from akosha_hook.akosha.counts import Tally

logger = logging.getLogger(__name__)

EMBED_ROWS = 32
MAX_USELESS_BATCHES = 3


@dataclass(slots=True)
class Sender:
    """Takes memories one by one; what it tells the tally is what the server said.

    Raises DeliveryError where the server cannot be used any more. Rows it acknowledged until then
    are remembered.
    """

    session: Session
    url: str
    acknowledged: Acknowledged
    tally: Tally
    _tools: tools.Tools | None = None
    _batch: Batch = field(default_factory=Batch)
    _without_embedding: list[Memory] = field(default_factory=list)
    _no_embeddings: str = ""
    _useless: int = 0

    def add(self, memory: Memory) -> None:
        if memory.embedding is None:
            self._without_embedding.append(memory)
            if len(self._without_embedding) >= EMBED_ROWS:
                self._embed()
        else:
            self._queue(memory, memory.embedding)

    def flush(self) -> None:
        """Send what is still waiting."""
        self._embed()
        self._send()

    def _queue(self, memory: Memory, embedding: str) -> None:
        document = memory.encode(embedding)
        if not self._batch.has_room_for(document):
            self._send()
        self._batch.add(memory.id, document)

    def _embed(self) -> None:
        waiting, self._without_embedding = self._without_embedding, []
        if not waiting:
            return
        if not self._no_embeddings:
            try:
                found = tools.embed(
                    self.session, self._found_tools(), [embeddable(each.text) for each in waiting]
                )
            except (failures.ToolError, failures.TooLargeError) as error:
                self._no_embeddings = f"no embedding: {error.message}"
                logger.warning("Akosha gives no embeddings: %s", error.message)
            else:
                for memory, embedding in zip(waiting, found, strict=True):
                    self._queue(memory, embedding)
                return
        self.tally.skip(self._no_embeddings, len(waiting))

    def _send(self) -> None:
        batch, self._batch = self._batch, Batch()
        if batch:
            self._send_batch(batch)

    def _send_batch(self, batch: Batch) -> None:
        try:
            outcome = tools.store(self.session, self._found_tools(), batch)
        except failures.TooLargeError as error:
            if len(batch) == 1:
                self.tally.fail(error.message)
                return
            for half in batch.halves():
                self._send_batch(half)
            return
        except failures.ToolError as error:
            outcome = tools.Outcome(0, 0, (error.message,) * len(batch), frozenset())
        self.acknowledged.remember(outcome.sure)
        self.tally.stored += outcome.stored
        self.tally.already_stored += outcome.already_stored
        for reason in outcome.failures:
            self.tally.fail(reason)
        if outcome.failures:
            logger.warning(
                "Akosha did not store %d rows: %s",
                len(outcome.failures),
                failures.quoted(outcome.failures[0]),
            )
        self._give_up_after_useless(outcome)

    def _give_up_after_useless(self, outcome: tools.Outcome) -> None:
        """A server that stores nothing, batch after batch, is not asked a thousand times."""
        self._useless = 0 if outcome.stored + outcome.already_stored else self._useless + 1
        if self._useless >= MAX_USELESS_BATCHES:
            raise failures.ToolError(
                tools.STORE,
                outcome.failures[0] if outcome.failures else "no reason",
                retryable=True,
            )

    def _found_tools(self) -> tools.Tools:
        if self._tools is None:
            self._tools = tools.find(self.session, self.url)
        return self._tools
