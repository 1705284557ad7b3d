"""Whether the process that syncs is stopped or stuck, and what to type then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from akosha_hook.util import processes

if TYPE_CHECKING:
    from akosha_hook.state.progress_file import State

STUCK_SECONDS = 600.0
# Within these something is written down whenever a piece is done. Waiting takes what it takes.
ACTIVE = frozenset({"snapshot", "upload", "manifest", "akosha", "prune"})


class Trouble(NamedTuple):
    """`since` is when it was last seen to make progress, in epoch seconds."""

    kind: Literal["stopped", "stuck"]
    pid: int
    since: float

    @property
    def fix(self) -> str:
        carries_on = "then the next event or akosha-hook sync carries on"
        if self.kind == "stopped":
            return f"kill -CONT {self.pid}, and it goes on; or kill -9 {self.pid}, {carries_on}"
        return f"kill {self.pid}, {carries_on}"


def trouble(state: State, *, timeout_seconds: float) -> Trouble | None:
    """What keeps the process of `state` from going on, if anything.

    `timeout_seconds` is `akosha_upload_timeout_seconds`: with a long one, a single request may take
    longer than ten minutes, and so may what has a deadline of its own after it.
    """
    process = processes.find(state.pid, state.process_start) if state.phase != "idle" else None
    if process is None:
        return None
    if process.stopped:
        return Trouble("stopped", state.pid, state.updated)
    quiet = time.time() - state.updated
    if state.phase in ACTIVE and quiet > max(STUCK_SECONDS, 2 * timeout_seconds):
        return Trouble("stuck", state.pid, state.updated)
    return None
