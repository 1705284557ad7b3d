"""Sends memories in batches and records which rows the server acknowledged."""

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
    from akosha_hook.akosha.counts import Counts

logger = logging.getLogger(__name__)

EMBED_ROWS = 32
MAX_USELESS_BATCHES = 3


@dataclass(slots=True)
class Sender:
    """Takes memories one by one; `counts` follow what the server answers.

    Raises DeliveryError where the server cannot be used any more. Rows it acknowledged before that
    are remembered.
    """

    session: Session
    url: str
    acknowledged: Acknowledged
    counts: Counts
    _tools: tools.Tools | None = None
    _batch: Batch = field(default_factory=Batch)
    _without_embedding: list[Memory] = field(default_factory=list)
    _no_embeddings: str = ""
    _useless_batches: int = 0

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
        """Queue the memories without an embedding, or skip them where the server makes none."""
        waiting, self._without_embedding = self._without_embedding, []
        if not waiting:
            return
        if not self._no_embeddings:
            texts = [embeddable(each.text) for each in waiting]
            try:
                embeddings = tools.embed(self.session, self._find_tools(), texts)
            except (failures.ToolError, failures.TooLargeError) as error:
                self._no_embeddings = f"no embedding: {error.message}"
                logger.warning("Akosha returned no embeddings: %s", error.message)
            else:
                for memory, embedding in zip(waiting, embeddings, strict=True):
                    self._queue(memory, embedding)
                return
        self.counts.skip(self._no_embeddings, len(waiting))

    def _send(self) -> None:
        batch, self._batch = self._batch, Batch()
        if batch:
            self._send_batch(batch)

    def _send_batch(self, batch: Batch) -> None:
        try:
            outcome = tools.store(self.session, self._find_tools(), batch)
        except failures.TooLargeError as error:
            if len(batch) == 1:
                self.counts.fail(error.message)
                return
            for half in batch.halves():
                self._send_batch(half)
            return
        except failures.ToolError as error:
            outcome = tools.Outcome(0, 0, (error.message,) * len(batch), frozenset())
        self._record(outcome)
        self._stop_if_useless(outcome)

    def _record(self, outcome: tools.Outcome) -> None:
        self.acknowledged.remember(outcome.acknowledged)
        self.counts.stored += outcome.stored
        self.counts.already_stored += outcome.already_stored
        for reason in outcome.failures:
            self.counts.fail(reason)
        if outcome.failures:
            logger.warning(
                "Akosha did not store %d rows: %s",
                len(outcome.failures),
                failures.quoted(outcome.failures[0]),
            )

    def _stop_if_useless(self, outcome: tools.Outcome) -> None:
        """Raise ToolError after several batches of which the server stored nothing."""
        if outcome.stored + outcome.already_stored:
            self._useless_batches = 0
            return
        self._useless_batches += 1
        if self._useless_batches >= MAX_USELESS_BATCHES:
            raise failures.ToolError(
                tools.STORE,
                outcome.failures[0] if outcome.failures else "no reason given",
                retryable=True,
            )

    def _find_tools(self) -> tools.Tools:
        if self._tools is None:
            self._tools = tools.find(self.session, self.url)
        return self._tools
