"""Does the server still have the rows that it acknowledged?

Akosha keeps them in memory: a restart loses them all. No tool asks for a row by its id, but a row
that is sent again is answered as a duplicate where it is there, and stored where it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.akosha.client import tools
from akosha_hook.akosha.client.batches import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.akosha.memory import Memory
    from akosha_hook.akosha.sender import Sender

SAMPLES = 3
# How often a server is asked to which nothing new is sent; and after it could not be asked.
ASK_SECONDS = 86_400.0
AGAIN_SECONDS = 3600.0
NOT_ASKED = "Akosha could not be asked whether it still has what was sent before"
LOST = (
    "Akosha no longer had what was sent before (a restart empties it), so all of it was sent again"
)


def has_lost(sender: Sender, samples: Sequence[Memory]) -> bool:
    """Whether one of `samples`, which were acknowledged earlier, is no longer there.

    False where the server's answer does not tell. Raises AkoshaHookError where there is none.
    """
    outcome = _sent(sender, samples)
    if outcome is not None and outcome.misfits:
        sender.embedder.dimension = next(iter(outcome.misfits.values()))
        outcome = _sent(sender, samples)
    if outcome is None or not outcome.stored:
        return False
    # A server that replaces rows stores them every time. One that had lost them does it once.
    again = _sent(sender, samples)
    return again is not None and not again.stored and again.already_stored > 0


def _sent(sender: Sender, samples: Sequence[Memory]) -> tools.Outcome | None:
    """The answer to `samples`; None where the server takes none of their embeddings."""
    embedder, batch = sender.embedder, Batch()
    others = [each for each in samples if not embedder.takes_own(each)]
    for memory in samples:
        if embedder.takes_own(memory):
            batch.add(memory.id, memory.encode(memory.embedding or ""))
    for memory, embedding in zip(others, embedder.embed(others) if others else (), strict=True):
        if not embedding.reason:
            batch.add(memory.id, memory.encode(embedding.text))
    return tools.store(sender.session, sender.find_tools(), batch) if batch else None
