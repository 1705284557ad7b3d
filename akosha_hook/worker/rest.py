"""Waiting for a destination's backoff to end, without the worker lock.

A new event's worker has that event's environment, perhaps with corrected keys: it finds the lock
free and takes over. What can be corrected in a file is looked at from here.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.paths import credentials_files
from akosha_hook.util.files import stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is due before `until` (epoch seconds), unless one of the `watched` files changes.

    `seen` are their stamps from before they were read.
    """

    until: float
    outbox: Path
    watched: tuple[Path, ...]
    seen: tuple[str, ...]

    def wait(self, is_superseded: Callable[[], bool]) -> bool:
        """Whether to take the lock again; False where another worker waits now.

        It ends when the time has come, when the outbox is empty or when a watched file has changed.
        New events are none of its business: they are due no earlier, and have workers of their own.
        A clock that is set back does not make it longer.
        """
        latest = time.monotonic() + self.until - time.time()
        while (left := min(self.until - time.time(), latest - time.monotonic())) > 0:
            time.sleep(min(POLL_SECONDS, left))
            if is_superseded():
                return False
            if stamps(self.watched) != self.seen or not _has_events(self.outbox):
                return True
        return True


def watched_files(paths: Paths, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Files whose change may end a backoff: settings, credentials, and the backoff itself."""
    return (*paths.settings_files, *credentials_files(environ), paths.backoff)


def _has_events(outbox: Path) -> bool:
    try:
        return any(name.endswith(".event") for name in os.listdir(outbox))  # noqa: PTH208
    except OSError:
        return False
