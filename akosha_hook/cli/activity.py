"""Words for what a running sync is doing, from the progress file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.cli import screen

if TYPE_CHECKING:
    from akosha_hook.state.progress_file import State

PHASES = {
    "snapshot": "taking a snapshot",
    "upload": "uploading",
    "verify": "verifying",
    "manifest": "writing the manifest",
    "akosha": "pushing to Akosha",
    "download": "downloading",
    "check": "checking",
    "prune": "pruning",
    "owner": "waiting for Session-Buddy to close its databases",
}
MEASURED = frozenset({"upload", "download"})
BAR_WIDTH = 20


def is_running(state: State) -> bool:
    """Whether a sync is under way, not only waiting for its time."""
    return state.phase in PHASES


def activity(state: State) -> str:
    """`uploading reflection.duckdb`; empty if no sync is running."""
    return f"{PHASES[state.phase]} {state.file}".rstrip() if is_running(state) else ""


def share(state: State) -> float | None:
    """How much of the current file is done, 0 to 1; None if its size is not known."""
    if not state.total_bytes or state.phase not in MEASURED:
        return None
    return min(1.0, state.done_bytes / state.total_bytes)


def with_percentage(state: State) -> str:
    """`uploading reflection.duckdb, 34%`."""
    done = share(state)
    return activity(state) if done is None else f"{activity(state)}, {done:.0%}"


def with_bar(state: State) -> str:
    """The same with a bar, the file's size and the bytes sent."""
    done = share(state)
    if done is None:
        return activity(state)
    filled = round(done * BAR_WIDTH)
    bar = "#" * filled + "-" * (BAR_WIDTH - filled)
    return (
        f"{activity(state)} [{bar}] {done:.0%} of {screen.size(state.total_bytes)}, "
        f"{screen.size(state.wire_bytes)} sent"
    )


def next_sync(seconds: float) -> str:
    """When a waiting worker continues; once the time has come, it may already have started."""
    if seconds < 1:
        return "next sync about to start"
    return f"next sync in {screen.duration(seconds)}"
