"""Embeddings of the size that the server's store takes, made by the server where ours do not fit.

The size follows from the model that the server runs. It is asked and never assumed: a row of
another size is refused with the size that is wanted, and the embedding tool names that of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.akosha.client import failures, tools
from akosha_hook.akosha.memory import MAX_EMBEDDED_CHARACTERS, OWN_DIMENSION, embeddable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from akosha_hook.akosha.client.session import Session
    from akosha_hook.akosha.memory import Memory

logger = logging.getLogger(__name__)

# Of one request. The answer carries every number twice, with up to 22 characters each: the second
# keeps it below what `transport` and `documents` let through.
MAX_ROWS = 32
MAX_NUMBERS = 32_768
MAX_CHARACTERS = 65_536
# Single texts in a row that the server fails to embed, after which no more are sent.
MAX_FAILURES = 3


class Embedding(NamedTuple):
    """The text of a JSON array and its length, or the reason why there is none."""

    text: str
    size: int
    reason: str = ""


@dataclass(slots=True)
class Embedder:
    """What is known of the server's vectors; `dimension` is None until the server has said it."""

    session: Session
    find_tools: Callable[[], tools.Tools]
    dimension: int | None = None
    _unavailable: str = ""
    _failures: int = 0

    def takes_own(self, memory: Memory) -> bool:
        """Whether the memory can be sent with the embedding that it has."""
        return memory.embedding is not None and self.dimension in {None, OWN_DIMENSION}

    def has_room_for(self, memory: Memory, waiting: Sequence[Memory]) -> bool:
        """Whether `memory` can be embedded in one request with those that wait already."""
        rows = min(MAX_ROWS, MAX_NUMBERS // (self.dimension or tools.MAX_DIMENSION))
        characters = sum(
            min(len(each.text), MAX_EMBEDDED_CHARACTERS) for each in (*waiting, memory)
        )
        return not waiting or (len(waiting) < rows and characters <= MAX_CHARACTERS)

    def embed(self, memories: Sequence[Memory]) -> list[Embedding]:
        """An embedding for each memory; texts that fail together are tried one by one.

        Raises DeliveryError where the request itself fails.
        """
        if self._unavailable:
            return [Embedding("", 0, self._unavailable)] * len(memories)
        texts = [embeddable(each.text) for each in memories]
        try:
            answer = tools.embed(self.session, self.find_tools(), texts)
        except failures.NoModelError as error:
            self._give_up(error)
        except (failures.ToolError, failures.TooLargeError) as error:
            if len(memories) == 1:
                self._failures += 1
                if self._failures >= MAX_FAILURES:
                    self._give_up(error)
                return [Embedding("", 0, f"no embedding: {error.message}")]
            return [embedding for each in memories for embedding in self.embed([each])]
        else:
            self._failures = 0
            self.dimension = self.dimension or answer.dimension
            return [Embedding(each, answer.dimension) for each in answer.embeddings]
        return [Embedding("", 0, self._unavailable)] * len(memories)

    def _give_up(self, error: failures.ToolError | failures.TooLargeError) -> None:
        self._unavailable = f"no embedding: {error.message}"
        logger.warning("Akosha returned no embeddings: %s", error.message)
