"""Progress bars on a terminal: file, bytes, rate, retries."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TransferSpeedColumn,
)

from akosha_hook.state.progress_file import KeepsResult
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from akosha_hook.state.progress_file import SyncResult
    from akosha_hook.util.progress import Progress as Listener

NAME_WIDTH = 28


class Bars:
    """A Progress that draws on stderr and forwards everything to `forward_to`."""

    def __init__(self, forward_to: Listener) -> None:
        self._forward_to = forward_to
        self._guard = threading.Lock()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def phase(self, name: str) -> None:
        self._forward_to.phase(name)

    def file(self, name: str, total_bytes: int) -> None:
        with self._guard:
            label = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"
            if (task := self._tasks.get(name)) is not None:
                self._bars.reset(task, total=total_bytes)  # type: ignore[arg-type]
            else:
                self._tasks[name] = self._bars.add_task(label, total=total_bytes)
        self._forward_to.file(name, total_bytes)

    def advance(self, name: str, plain_bytes: int, wire_bytes: int) -> None:
        task = self._tasks.get(name)
        if task is not None and plain_bytes:
            self._bars.advance(task, plain_bytes)  # type: ignore[arg-type]
        self._forward_to.advance(name, plain_bytes, wire_bytes)

    def retry(self, reason: str, attempt: int, delay_seconds: float) -> None:
        self._bars.console.print(
            f"Retry {attempt} in {delay_seconds:.1f} s: {printable(reason)}", markup=False
        )
        self._forward_to.retry(reason, attempt, delay_seconds)

    def fallback(self, reason: str) -> None:
        self._bars.console.print(f"{printable(reason)} Falling back to Akosha.", markup=False)
        self._forward_to.fallback(reason)

    def finished(self, result: SyncResult) -> None:
        if isinstance(self._forward_to, KeepsResult):
            self._forward_to.finished(result)
