"""`progress.json`: what the running sync is doing, for `status` and a waiting `sync` to show."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

import msgspec
from msgspec import Meta

from akosha_hook.util import files, log, processes
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.paths import Paths

WRITE_SECONDS = 0.5
Bytes = Annotated[int, Meta(ge=0, le=10**18)]


class SyncResult(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the last sync; `at` is epoch seconds."""

    at: Epoch
    state: str
    method: str
    error: str | None = None
    hint: str = ""


class State(msgspec.Struct, kw_only=True):
    """`phase` is `idle`, `waiting` (for something due at `until`) or a Progress phase."""

    phase: str = "idle"
    pid: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    # Tells it from a later process with that id; "" where the system does not say.
    process_start: str = ""
    updated: Epoch = 0.0
    until: Epoch = 0.0
    file: str = ""
    total_bytes: Bytes = 0
    done_bytes: Bytes = 0
    wire_bytes: Bytes = 0
    message: str = ""
    last: SyncResult | None = None
    # Variables a project put into the last worker's environment, which were not heeded.
    dropped: tuple[str, ...] = ()


def read(paths: Paths) -> State:
    """The state last written; an idle one where there is none."""
    return files.read_json(paths.progress, State) or State()


def forget_error(paths: Paths, error: str) -> None:
    """The last sync failed for a reason that is over: `status` need not show it any more."""
    state = read(paths)
    if state.last is not None and state.last.error == log.redacted(error):
        state.last = None
        files.write_json(paths.progress, state)


@runtime_checkable
class KeepsResult(Protocol):
    """A Progress that writes down how the sync ended."""

    def finished(self, result: SyncResult) -> None: ...


class ProgressFile:
    """A Progress that writes itself to `progress.json`, at most twice a second."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._guard = threading.Lock()
        self._written = 0.0
        self._state = State(
            pid=os.getpid(), process_start=processes.own_start(), last=read(paths).last
        )

    def phase(self, name: str) -> None:
        self._update(now=True, phase=name, message="")

    def file(self, name: str, total_bytes: int) -> None:
        self._update(now=True, file=name, total_bytes=total_bytes, done_bytes=0)

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:  # noqa: ARG002
        """Even without bytes it says that there is progress."""
        with self._guard:
            self._state.done_bytes += plain_bytes
            self._state.wire_bytes += wire_bytes
        self._update(now=False)

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None:
        why = log.redacted(reason)
        self._update(now=True, message=f"retry {attempt} in {delay_seconds:.0f} s: {why}")

    def fallback(self, reason: str) -> None:
        self._update(now=True, message=f"falling back to Akosha: {log.redacted(reason)}")

    def waiting(self, until: float) -> None:
        """Nothing is due before `until` (epoch seconds)."""
        self._update(now=True, phase="waiting", until=until, message="")

    def dropped(self, names: Sequence[str]) -> None:
        """A project put these into the environment; they were not heeded."""
        self._update(now=True, dropped=tuple(names))

    def idle(self) -> None:
        self._update(now=True, phase="idle", file="", message="", pid=0, process_start="")

    def finished(self, result: SyncResult) -> None:
        error = None if result.error is None else log.redacted(result.error)
        cleaned = msgspec.structs.replace(result, error=error, hint=log.redacted(result.hint))
        self._update(now=True, last=cleaned)

    def _update(self, *, now: bool, **changes: str | float | SyncResult | tuple[str, ...]) -> None:
        with self._guard:
            for name, value in changes.items():
                setattr(self._state, name, value)
            if not now and time.monotonic() - self._written < WRITE_SECONDS:
                return
            self._written = time.monotonic()
            self._state.updated = time.time()
            try:
                files.write_json(self._paths.progress, self._state)
            except OSError:
                # Nobody's memories depend on this file.
                return
