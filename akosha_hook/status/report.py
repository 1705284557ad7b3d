"""What `status` knows at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.progress_file import Bytes
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.hook.event import Event
    from akosha_hook.install.places import Place
    from akosha_hook.settings import Loaded
    from akosha_hook.state.progress_file import Check, State
    from akosha_hook.state.receipt import Receipt, Target


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the last `verify`; `at` is ISO 8601 UTC.

    A reader of its own for that file, so that `status` need not import the restore code.
    """

    at: str
    success: bool
    upload_id: str = ""
    error: str | None = None
    hint: str = ""


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the worker's last prune; `at` is epoch seconds."""

    at: Epoch
    success: bool
    uploads_removed: Bytes = 0
    freed_bytes: Bytes = 0
    error: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known on this machine; no server was asked.

    `last_success` is the newest upload to the preferred destination, or to any other if none ever
    reached that one. `last_failure` is the newest failure at the preferred destination that no later
    success has made good. `last_akosha` is the newest push over HTTP, whatever its result.

    `next_try` is in epoch seconds, 0 if nothing delays the next upload. `corrupt` lists files of
    ours that could not be read and were set aside.
    """

    loaded: Loaded
    system_id: str
    destination: Target | None
    data_directory: Path
    last_success: Receipt | None
    last_failure: Receipt | None
    last_akosha: Receipt | None
    last_verification: Verification | None
    last_prune: Pruning | None
    events: tuple[Event, ...]
    worker: State
    next_try: float
    places: tuple[Place, ...]
    corrupt: tuple[Path, ...]

    @property
    def last_error(self) -> Check | None:
        """The last sync's error if it failed too early to leave a receipt."""
        last = self.worker.last
        if last is None or not last.error:
            return None
        current = self.destination is None or last.method == self.destination.method
        return last if current else None

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that needs the user's attention, one line each."""
        return (
            *self.loaded.problems,
            *self.loaded.warnings,
            *(
                f"{place.path}: {place.detail}. {place.fix}"
                for place in self.places
                if place.state == "broken"
            ),
            *(f"{path} could not be read and was set aside" for path in self.corrupt),
        )
