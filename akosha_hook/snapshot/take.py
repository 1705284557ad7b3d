"""Taking consistent copies of live databases, and of whatever else is backed up.

DuckDB is never opened on them: a second process cannot, and its lock would stand in the owner's
way. What makes a copy of bare files consistent depends on the kind (see `rules`). A database whose
timestamp lies ahead of the clock is proved in another way (see `ahead`).
"""

from __future__ import annotations

import shutil
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from akosha_hook.errors import AkoshaHookError, Kind
from akosha_hook.snapshot import ahead
from akosha_hook.snapshot.ahead import Candidate
from akosha_hook.snapshot.database import never_still
from akosha_hook.snapshot.finding import find
from akosha_hook.snapshot.index import write_index
from akosha_hook.snapshot.item import is_known, size_of
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, Snapshot
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from akosha_hook.snapshot.item import Item, OnRead

T = TypeVar("T")

SPARE_BYTES = 64 * 1024 * 1024


def take(
    source: Path,
    patterns: Iterable[str],
    into: Path,
    *,
    outside: Iterable[Path] = (),
    more: Iterable[Item] = (),
    known: Mapping[str, Fingerprint] | None = None,
    meanwhile: Callable[[], object] | None = None,
    on_read: OnRead = None,
) -> Snapshot:
    """Freeze the databases of `source` in the new directory `into`, and `more`.

    `outside` are databases that lie elsewhere. `known` are the fingerprints, by file name, of what
    is stored already: an item all of whose files match is not even read. `meanwhile` runs beside
    the copying, if there is any; `on_read` is called for every piece that is read. Raises
    AkoshaHookError when the disk is full or not writable.
    """
    found = find(source, patterns, outside)
    others = tuple(more)
    taken = {each.name for each in others}
    items = [*(each for each in found.databases if each.name not in taken), *others]
    unchanged = tuple(each.name for each in items if known and is_known(each, known))
    changed = [each for each in items if each.name not in unchanged]
    databases: list[Database] = []
    skipped = list(found.missing)
    if changed:
        _make_room(changed, into)
        if meanwhile:
            threading.Thread(target=meanwhile, daemon=True).start()
    for outcome in _freeze_all(changed, into, on_read):
        if isinstance(outcome, Database):
            databases.append(outcome)
        else:
            skipped.append(outcome)
    if databases:
        write_index(into, databases)
    return Snapshot(into, tuple(databases), unchanged, tuple(skipped))


def _make_room(items: Iterable[Item], into: Path) -> None:
    try:
        files.private_directory(into.parent)
        files.private_directory(into)
        free = shutil.disk_usage(into).free
    except OSError as error:
        raise AkoshaHookError(
            f"No snapshot can be written to {into}: {error.strerror}.",
            hint="Check the directory's permissions, or set CLAUDE_CONFIG_DIR.",
        ) from error
    needed = sum(map(size_of, items))
    if free < needed + SPARE_BYTES:
        raise AkoshaHookError(
            f"The disk of {into} is too full for a snapshot: {needed + SPARE_BYTES:,} bytes are "
            f"needed, {free:,} are free.",
            hint="Free some space; the event waits and the next sync carries on.",
            kind=Kind.FULL,
        )


def _freeze_all(items: Sequence[Item], into: Path, on_read: OnRead) -> list[Database | Skipped]:
    """Freeze each of `items`; those ahead of the clock share their waits."""
    outcomes: dict[str, Database | Skipped] = {}
    candidates: dict[str, Candidate] = {}
    for _ in range(ahead.ATTEMPTS):
        candidates = {}
        for item in (each for each in items if each.name not in outcomes):
            outcome = _attempt(item.name, partial(item.freeze, into, on_read))
            if isinstance(outcome, Candidate):
                candidates[item.name] = outcome
            else:
                outcomes[item.name] = outcome
        if not candidates:
            break
        ahead.wait_for_rest()
        for name, candidate in candidates.items():
            if proof := _attempt(name, partial(ahead.proved, candidate)):
                outcomes[name] = proof
    for name, candidate in candidates.items():
        if name not in outcomes:
            outcomes[name] = _attempt(name, partial(_never_at_rest, candidate, into))
    return [outcomes[each.name] for each in items]


def _attempt(name: str, action: Callable[[], T]) -> T | Skipped:
    """What `action` returns, or why what has that name is left out.

    Raises AkoshaHookError when the disk is full or not writable.
    """
    try:
        return action()
    except FileNotFoundError:
        return Skipped(name, "busy", f"{name} was replaced while it was being copied")
    except PermissionError:
        return Skipped(name, "unreadable", f"{name} cannot be read: permission denied")
    except OSError as error:
        if files.is_disk_error(error):
            raise AkoshaHookError(
                f"The snapshot of {name} could not be written: {error.strerror}.",
                hint="Free some space; the event waits and the next sync carries on.",
                kind=Kind.FULL,
            ) from error
        return Skipped(name, "unreadable", f"{name} cannot be read: {error.strerror}")


def _never_at_rest(candidate: Candidate, into: Path) -> Database | Skipped:
    newest = max((each.fingerprint for each in candidate.before), key=lambda each: each.newest_ns)
    by = ahead.distance(newest, time.time_ns())
    why = f", and its timestamp lies {by} ahead of this machine's clock"
    return never_still(candidate.path, candidate.rules, into, why=why)
