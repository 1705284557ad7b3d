"""What there is now, beside what is stored: the first half of a sync, which a dry run shares."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.errors import AkoshaHookError, NothingToBackUpError
from akosha_hook.paths import DOCTOR_SCRATCH
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipt import DAY_SECONDS, is_reusable, same_content
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.absent import absent
from akosha_hook.sync.outcome import Outcome
from akosha_hook.sync.under_way import Sync
from akosha_hook.upload.carry import is_due
from akosha_hook.util import clock, files, temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from akosha_hook.context import Context
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.state.receipt import Method, Receipt, ReceiptFile
    from akosha_hook.sync.under_way import Request


@dataclass(frozen=True, slots=True)
class Present:
    """A snapshot, and how it compares with what is stored.

    `known` is what is stored and may be referred to, `good` the last good copies, both by file name;
    `last` is the last upload. `same` says that nothing differs from that, `refresh` that a last good
    copy has become so old that an upload is made to copy it forward.
    """

    frozen: Snapshot
    known: Mapping[str, ReceiptFile]
    good: Mapping[str, ReceiptFile]
    last: Receipt | None
    same: bool
    refresh: bool

    @property
    def has_news(self) -> bool:
        """Whether there is something to send."""
        return self.refresh or (bool(self.frozen.databases) and not self.same)


def look(sync: Sync, directory: Path, *, meanwhile: Callable[[], object] | None = None) -> Present:
    """Take a snapshot in the new `directory`, which goes if that fails, and compare it.

    Nothing else is written. Raises AkoshaHookError when the disk is full or not writable.
    """
    context = sync.context
    last = sync.receipts.last_success(sync.target)
    known, good, lost = sync.known(last), sync.last_good(), sync.lost()
    frozen = sync.gone(take(sync, {} if lost else known, directory, meanwhile=meanwhile))
    same = (
        last is not None
        and not lost
        and all(same_content(database, known) for database in frozen.databases)
    )
    refresh = last is not None and _needs_refresh(last, frozen, good, context)
    return Present(frozen, known, good, last, same, refresh)


def take(
    sync: Sync,
    known: Mapping[str, ReceiptFile],
    directory: Path,
    *,
    meanwhile: Callable[[], object] | None = None,
) -> Snapshot:
    """Take a snapshot of what differs from `known` in the new `directory`, which goes if that fails.

    Raises AkoshaHookError when the disk is full or not writable.
    """
    context = sync.context
    # An Akosha server takes rows, not files.
    cloud = sync.chain[0] == "cloud"
    try:
        return snapshot.take(
            data_directory(context.settings, context.paths),
            context.settings.akosha_databases,
            directory,
            outside=context.outside_databases,
            more=snapshot.live_sets(context.settings, context.paths) if cloud else (),
            known={name: each.fingerprint for name, each in known.items() if each.fingerprint},
            meanwhile=meanwhile,
            on_read=functools.partial(context.progress.advance, "", 0, 0),
        )
    except AkoshaHookError:
        files.remove_tree(directory)
        raise


def _needs_refresh(
    last: Receipt, frozen: Snapshot, good: Mapping[str, ReceiptFile], context: Context
) -> bool:
    """Whether a last good copy is to be copied forward.

    Where the last upload has tried that in vain, once a day is enough.
    """
    missed = absent(frozen, good)
    old = [each for each in good.values() if each.database in missed]
    if not is_due(old, context.settings):
        return False
    begun = clock.epoch(last.started)
    tried = not all(is_reusable(each.oldest_object_at, context.settings, begun) for each in old)
    return not (tried and 0 <= time.time() - begun < DAY_SECONDS)


def nothing_new(sync: Sync, frozen: Snapshot) -> Outcome:
    """The end of a sync that has nothing to send.

    Raises NothingToBackUpError where there is nothing at all.
    """
    same = (*frozen.unchanged, *(database.name for database in frozen.databases))
    busy = any(each.reason == "busy" for each in frozen.skipped)
    if not same and not frozen.skipped:
        source = data_directory(sync.context.settings, sync.context.paths)
        raise NothingToBackUpError(
            f"There is no database to back up in {source}.",
            hint="Set akosha_data_dir to Session-Buddy's data directory.",
        )
    if not same and all(
        each.reason in {"missing", "excluded"} or each.uncertain for each in frozen.skipped
    ):
        raise NothingToBackUpError(
            f"There is no database to back up: {frozen.skipped[0].message}.",
            hint="Set akosha_data_dir to Session-Buddy's data directory.",
        )
    return Outcome(
        state="busy" if busy else "unchanged",
        method=sync.chain[0],
        skipped=frozen.skipped,
        unchanged=same,
        pending=busy,
    )


def read_only(request: Request, context: Context, chain: tuple[Method, ...]) -> Sync:
    """A sync for looking only: nothing of it is ever written."""
    receipts = Receipts(context.paths)
    me = identity.look(context.paths, context.settings)
    ledger = Ledger(context.paths, read_only=True)
    ledger.begin(receipts.newest_first(), me.sequence)
    ledger.complete(receipts.newest_first())
    return Sync(request, context, receipts, me, chain, ledger)


@contextlib.contextmanager
def scratch(context: Context) -> Iterator[Path]:
    """A temporary directory for copies, on the disk of our state directory if that exists."""
    state = context.paths.state
    # Left over by an earlier run that was killed.
    for leftover in state.glob(f"{DOCTOR_SCRATCH}*"):
        if temporary.is_abandoned(leftover):
            files.remove_tree(leftover)
    directory = Path(tempfile.mkdtemp(prefix=DOCTOR_SCRATCH, dir=state if state.is_dir() else None))
    try:
        yield directory
    finally:
        files.remove_tree(directory)
