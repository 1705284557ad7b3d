"""A sync under way: what was asked for, with what it works, and what it knows of the destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.state import forgotten
from akosha_hook.sync import select
from akosha_hook.sync.absent import with_absent, with_elsewhere, with_lost
from akosha_hook.sync.known import best_copies, elsewhere, known_files, lost_receipts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.ledger import Ledger
    from akosha_hook.state.ledger_lines import Entry
    from akosha_hook.state.receipt import Method, Receipt, ReceiptFile, Target
    from akosha_hook.state.receipts import Receipts


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a sync.

    `full` sends everything again, whatever is stored already. `typed` says that the user asks, at a
    terminal: everybody else's `method` can only choose among what the settings allow.
    """

    method: select.RequestedMethod = "auto"
    allow_fallback: bool = True
    triggered_by: tuple[str, ...] = ()
    full: bool = False
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync under way; `chain` are the destinations it may use, the preferred one first.

    `again` says that it has uploaded something already and only looks for what changed meanwhile.
    """

    request: Request
    context: Context
    receipts: Receipts
    identity: Identity
    chain: tuple[Method, ...]
    ledger: Ledger
    again: bool = False

    @property
    def target(self) -> Target:
        """The preferred destination."""
        return select.target_of(self.context.settings, self.chain[0], self.identity.system_id)

    @property
    def sends_everything(self) -> bool:
        """Whether nothing that an earlier sync stored may be referred to."""
        return self.request.full or not self.context.settings.akosha_enable_deduplication

    def is_own(self, file: ReceiptFile) -> bool:
        """Whether every object that restoring `file` needs is of this machine's own uploads."""
        return self.ledger.holds_all_of(file, self.identity.machine_id)

    def known(self, last: Receipt | None) -> dict[str, ReceiptFile]:
        """What is stored and may be referred to, by file name."""
        if self.sends_everything and not self.again:
            return {}
        return known_files(last, self.context.settings, self.is_own)

    def last_good(self) -> dict[str, ReceiptFile]:
        """The last good copy of every database that must not fall out, by file name."""
        given_up = forgotten.names(self.context.paths)
        return best_copies(self.receipts.successes(self.target), self.is_own, given_up)

    def gone(self, frozen: Snapshot, *, said: Collection[str] = ()) -> Snapshot:
        """The snapshot, with every database that was stored once and that it lacks in `skipped`."""
        given_up = forgotten.names(self.context.paths)
        last = self.receipts.last_success(self.target)
        frozen = with_absent(frozen, self.last_good(), self.context, said=said)
        frozen = with_lost(frozen, last.lost if last else {}, given_up)
        if self.chain[0] != "cloud":
            return frozen
        receipts = self.receipts.newest_first()
        return with_elsewhere(frozen, elsewhere(receipts, self.target, given_up), self.context)

    def lost(self) -> tuple[Entry, ...]:
        """Uploads whose receipts are gone: what they say has to be asked for."""
        return lost_receipts(self.receipts, self.ledger, self.target, self.identity.machine_id)


def destinations(
    request: Request, context: Context, dropped: Sequence[str] = ()
) -> tuple[Method, ...]:
    """Those that a request may use, the preferred one first. Raises SettingsError."""
    return select.destinations(
        context.settings,
        request.method,
        allow_fallback=request.allow_fallback,
        typed=request.typed,
        dropped=dropped,
    )
