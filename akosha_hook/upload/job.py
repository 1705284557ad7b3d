"""One snapshot on its way to where it is to be kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.format import manifest
from akosha_hook.state.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from akosha_hook.context import Context
    from akosha_hook.settings import Settings
    from akosha_hook.snapshot import Database, Snapshot
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.ledger import Ledger
    from akosha_hook.state.ledger_lines import Entry
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
    `last_good` is the last good copy of every database that must not fall out, by file name, with
    `stale` set for where the snapshot lacks it; `older` has all copies of those that it does lack,
    the newest first. `source` is the upload that tells of all these: while its manifest is there,
    nobody takes away what it names. With `forward`, last good copies are copied in any case. `lost` are uploads whose receipts are gone, newest
    first. With `full`, nothing that is stored is referred to for what the snapshot has.
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
    last_good: Mapping[str, ReceiptFile] = field(default_factory=dict)
    older: Mapping[str, Sequence[Sequence[ReceiptFile]]] = field(default_factory=dict)
    source: str = ""
    forward: bool = False
    lost: tuple[Entry, ...] = ()
    full: bool = False

    @property
    def settings(self) -> Settings:
        return self.context.settings

    @property
    def skipped(self) -> dict[str, str]:
        """Why a database is not in the snapshot, by name, whenever that was taken."""
        there = {each.name for each in self.snapshot.databases} | set(self.snapshot.unchanged)
        reasons = {each.database: "skipped" for each in self.last_good.values()}
        reasons |= self.journal.skipped
        reasons |= {each.name: each.reason for each in self.snapshot.skipped}
        return {name: reason for name, reason in reasons.items() if name not in there}

    def key(self, name: str) -> str:
        """The key of this upload's object `name`."""
        return manifest.prefix(self.identity.system_id, self.upload_id) + name


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What is stored now: every file, as the receipt keeps it; `prefix` is the upload's own.

    `notes` say what could not be done for databases that the snapshot lacks; of those in `lost` no
    copy is left (by name, of when the last one was).
    """

    files: tuple[ReceiptFile, ...]
    prefix: str
    notes: tuple[str, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)
    manifest_sha256: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the objects that this upload itself stored."""
        return keys_below(self.prefix, self.files)


def keys_below(prefix: str, files: Iterable[ReceiptFile]) -> tuple[str, ...]:
    """Keys below `prefix` of the objects that `files` need."""
    keys = (key for each in files for key in each.keys)
    return tuple(dict.fromkeys(key for key in keys if key.startswith(prefix)))
