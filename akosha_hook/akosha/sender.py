"""Sends memories in batches and records which rows the server acknowledged."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from akosha_hook.akosha.client import failures, tools
from akosha_hook.akosha.client.batches import Batch
from akosha_hook.akosha.embedder import Embedder
from akosha_hook.akosha.memory import OWN_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.client.session import Session
    from akosha_hook.akosha.counts import Counts
    from akosha_hook.akosha.memory import Memory

logger = logging.getLogger(__name__)

MAX_USELESS_BATCHES = 3
# Different sizes that one row is sent in, however often the server changes its mind.
MAX_SIZES = 3


@dataclass(frozen=True, slots=True)
class _Pending:
    """A memory on its way; `sizes` are those of the embeddings with which it was sent."""

    memory: Memory
    sizes: tuple[int, ...] = ()


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
    embedder: Embedder = field(init=False)
    _tools: tools.Tools | None = None
    _batch: Batch = field(default_factory=Batch)
    _in_batch: dict[bytes, _Pending] = field(default_factory=dict)
    _to_embed: list[_Pending] = field(default_factory=list)
    _contents: set[bytes] = field(default_factory=set)
    _useless_batches: int = 0

    def __post_init__(self) -> None:
        self.embedder = Embedder(self.session, self.find_tools)

    def add(self, memory: Memory) -> None:
        self._add(_Pending(memory))

    def flush(self) -> None:
        """Send what is still waiting."""
        while self._to_embed or self._batch:
            self._embed()
            self._send()

    def discard(self) -> None:
        """Drop what is still waiting."""
        self._batch, self._in_batch, self._to_embed = Batch(), {}, []
        self._contents = set()

    def is_waiting(self, content: bytes) -> bool:
        """Whether a memory with this content was added and is not sent yet."""
        return content in self._contents

    def find_tools(self) -> tools.Tools:
        """The names of the tools on this server. Raises DeliveryError."""
        if self._tools is None:
            self._tools = tools.find(self.session, self.url)
        return self._tools

    def _add(self, pending: _Pending) -> None:
        memory = pending.memory
        if memory.content is not None:
            self._contents.add(memory.content)
        if self.embedder.takes_own(memory) and OWN_DIMENSION not in pending.sizes:
            self._queue(pending, memory.embedding or "", OWN_DIMENSION)
            return
        waiting = [each.memory for each in self._to_embed]
        if not self.embedder.has_room_for(memory, waiting):
            self._embed()
        self._to_embed.append(pending)

    def _queue(self, pending: _Pending, embedding: str, size: int) -> None:
        memory = pending.memory
        document = memory.encode(embedding)
        if not self._batch.has_room_for(document):
            self._send()
        self._batch.add(memory.id, document)
        self._in_batch[memory.id] = replace(pending, sizes=(*pending.sizes, size))

    def _embed(self) -> None:
        """Queue the memories that need another embedding, or skip them where there is none."""
        waiting, self._to_embed = self._to_embed, []
        if not waiting:
            return
        embeddings = self.embedder.embed([each.memory for each in waiting])
        for pending, embedding in zip(waiting, embeddings, strict=True):
            if embedding.reason:
                self.counts.skip(embedding.reason)
            elif embedding.size in pending.sizes or len(pending.sizes) >= MAX_SIZES:
                self.counts.skip(
                    f"no embedding: the server makes vectors of {embedding.size} numbers, and "
                    f"does not store them"
                )
            else:
                self._queue(pending, embedding.text, embedding.size)

    def _send(self) -> None:
        batch, self._batch = self._batch, Batch()
        sent, self._in_batch = self._in_batch, {}
        if batch:
            self._send_batch(batch, sent)
        waiting = (*self._to_embed, *self._in_batch.values())
        self._contents = {each.memory.content for each in waiting if each.memory.content}

    def _send_batch(self, batch: Batch, sent: Mapping[bytes, _Pending]) -> None:
        try:
            outcome = tools.store(self.session, self.find_tools(), batch)
        except failures.TooLargeError as error:
            if len(batch) == 1:
                self.counts.fail(error.message)
                return
            for half in batch.halves():
                self._send_batch(half, sent)
            return
        except failures.ToolError as error:
            outcome = tools.Outcome(0, 0, (error.message,) * len(batch), frozenset())
        self._record(outcome, sent)
        self._stop_if_useless(outcome)
        for id_, wanted in outcome.misfits.items():
            self.embedder.dimension = wanted
            self._add(sent[id_])

    def _record(self, outcome: tools.Outcome, sent: Mapping[bytes, _Pending]) -> None:
        contents = {sent[id_].memory.content: id_ for id_ in outcome.acknowledged}
        self.acknowledged.remember(
            outcome.acknowledged, {each: id_ for each, id_ in contents.items() if each is not None}
        )
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
        """Raise ToolError after several batches of which the server stored nothing.

        One that says which size of vector it wants was worth it.
        """
        if outcome.stored + outcome.already_stored + len(outcome.misfits):
            self._useless_batches = 0
            return
        self._useless_batches += 1
        if self._useless_batches >= MAX_USELESS_BATCHES:
            raise failures.ToolError(
                tools.STORE,
                outcome.failures[0] if outcome.failures else "no reason given",
                retryable=True,
            )
