"""What `status` knows at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.state import collapsed, identity, tampering
from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.hook.event import Event
    from akosha_hook.install.places import Place
    from akosha_hook.settings import Loaded
    from akosha_hook.state.held import Held
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.looks import Look
    from akosha_hook.state.pin import Pin
    from akosha_hook.state.pinning import Decision
    from akosha_hook.state.progress_file import State, SyncResult
    from akosha_hook.state.pruning import Pruning
    from akosha_hook.state.receipt import Collapse, Receipt, Target
    from akosha_hook.state.tampering import Tampering
    from akosha_hook.state.verification import Verification
    from akosha_hook.status.trouble import Trouble


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known on this machine; no server was asked.

    `last_success` is the newest upload to the preferred destination, or to any other if none ever
    reached that one. `last_failure` is the newest failure at the preferred destination that no later
    success has made good. `last_akosha` is the newest push over HTTP, whatever its result.
    `last_look` is the last one at the preferred destination, `lost_advice` what to type where it
    found something lost.

    `renewed` is this machine's identity where it has a new id since a short time, else None.
    `next_try` is in epoch seconds, 0 if nothing delays the next upload. `corrupt` lists files of
    ours that could not be read and were set aside. `pin` is where the user has confirmed that memories
    may go, `hold` why they do not go where the settings lead now, and `last_held` the last time that
    they did not go where some settings led. `collapsed` are the databases that have lost most of what
    was in them, until the user has looked.
    """

    loaded: Loaded
    system_id: str
    destination: Target | None
    data_directory: Path
    last_success: Receipt | None
    last_failure: Receipt | None
    last_akosha: Receipt | None
    last_look: Look | None
    last_verification: Verification | None
    last_prune: Pruning | None
    events: tuple[Event, ...]
    worker: State
    next_try: float
    places: tuple[Place, ...]
    corrupt: tuple[Path, ...]
    lost_advice: str = ""
    renewed: Identity | None = None
    trouble: Trouble | None = None
    tampering: Tampering | None = None
    pin: Pin | None = None
    hold: Decision | None = None
    last_held: Held | None = None
    collapsed: tuple[Collapse, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is as it should be, and may still be news."""
        renewed = (identity.renewal(self.renewed),) if self.renewed else ()
        return (*self.loaded.notes, *renewed)

    @property
    def last_error(self) -> SyncResult | None:
        """The last sync's error if it failed too early to leave a receipt."""
        last = self.worker.last
        if last is None or not last.error:
            return None
        current = self.destination is None or last.method == self.destination.method
        return last if current else None

    @property
    def has_lost_objects(self) -> bool:
        """Whether the last look at the newest upload found something lost."""
        look, last = self.last_look, self.last_success
        return bool(look and last and look.lost and look.upload_id == last.upload_id)

    @property
    def given_up(self) -> tuple[str, ...]:
        """Databases of which the last look found something lost, and no copy was uploaded since."""
        look, last = self.last_look, self.last_success
        if look is None or last is None:
            return ()
        whole = {each.database for each in last.files if not set(each.keys) & set(look.lost)}
        return tuple(each for each in look.databases if each not in whole)

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
            *self._held(),
            *self.missed,
            *(collapsed.sentence(each) for each in self.collapsed),
            *self._trouble(),
            *((tampering.sentence(self.tampering),) if self.tampering else ()),
            *(f"{path} could not be read and was set aside" for path in self.corrupt),
        )

    def _held(self) -> tuple[str, ...]:
        if self.hold is not None:
            error = self.hold.error()
            return (f"{error.message} {error.hint}",)
        if self.last_held is not None:
            return (f"{self.last_held.at}: {self.last_held.message}",)
        return ()

    @property
    def missed(self) -> tuple[str, ...]:
        """A line for each database that the last sync did not find in order, but those left out on purpose."""
        files = self.last_success.files if self.last_success else ()
        return tuple(
            f"{each.name} is not backed up as it is now ({each.stale.reason}, since "
            f"{minute(each.stale.since)}); its last good copy is as of {minute(each.stale.as_of)} "
            f"(akosha-hook restore --file {each.name})"
            for each in files
            if each.stale and each.name == each.database and each.stale.reason != "excluded"
        )

    def _trouble(self) -> tuple[str, ...]:
        if self.trouble is None:
            return ()
        kind, pid, _ = self.trouble
        return (f"the sync of process {pid} is {kind}: {self.trouble.fix}",)
