"""One snapshot on its way to where it is to be kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.format import manifest
from akosha_hook.state.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from akosha_hook.context import Context
    from akosha_hook.settings import Settings
    from akosha_hook.snapshot import Database, Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.ledger import Ledger
    from akosha_hook.state.receipt import ReceiptFile, Target


def _not_counted(_: Database) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class UploadJob:
    """What is uploaded, whose it is, and under which name.

    `known` are the files, by name, as the last success at the preferred destination left them.
    `upload_id`, `sequence` and `journal`, where it is written down what is stored already, are
    given when the upload begins; so are `target` and `ledger`, where a store is to be entered.
    `conversations` says how many a database of the snapshot has, None where that is not known.
    """

    context: Context
    identity: Identity
    snapshot: Snapshot
    known: Mapping[str, ReceiptFile] = field(default_factory=dict)
    triggered_by: tuple[str, ...] = ()
    upload_id: str = ""
    sequence: int = 0
    journal: Journal = field(default_factory=lambda: Journal(None))
    conversations: Callable[[Database], int | None] = _not_counted
    target: Target | None = None
    ledger: Ledger | None = None

    @property
    def settings(self) -> Settings:
        return self.context.settings

    @property
    def skipped(self) -> dict[str, str]:
        """Why a database is not in the snapshot, by name, whenever that was taken."""
        there = {each.name for each in self.snapshot.databases} | set(self.snapshot.unchanged)
        reasons = self.journal.skipped | {each.name: each.reason for each in self.snapshot.skipped}
        return {name: reason for name, reason in reasons.items() if name not in there}

    def key(self, name: str) -> str:
        """The key of this upload's object `name`."""
        return manifest.prefix(self.identity.system_id, self.upload_id) + name


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What is stored now: every file, as the receipt keeps it; `prefix` is the upload's own."""

    files: tuple[ReceiptFile, ...]
    prefix: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the objects that this upload itself stored."""
        return tuple(each.key for each in self.files if each.key.startswith(self.prefix))
