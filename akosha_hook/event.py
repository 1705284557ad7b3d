"""What happened: an event's names and the file a hook leaves for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SESSION_EVENTS = frozenset({"session-end", "session-start"})
REPOSITORY_EVENTS = frozenset({"post-commit", "post-merge", "post-rewrite"})
EVENTS = SESSION_EVENTS | REPOSITORY_EVENTS
MAX_STDIN_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `epoch` (seconds); a sync takes whatever is the newest state then.

    `path` is the event's file in the outbox; `directory` is None where the hook could not tell.
    """

    name: str
    epoch: int
    directory: Path | None
    path: Path
