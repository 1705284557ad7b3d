"""Reading every upload back: each state of each database once, in the space that the largest takes."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import BusyError, DamagedError
from akosha_hook.restore.all_uploads import still_listed
from akosha_hook.restore.assemble import assemble
from akosha_hook.restore.check import check
from akosha_hook.restore.objects import object_keys, stored_objects
from akosha_hook.restore.staging import need_room, temporary_staging
from akosha_hook.util import files
from akosha_hook.util.lock import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.format.manifest import StoredFile
    from akosha_hook.paths import Paths
    from akosha_hook.restore.all_uploads import AllUploads
    from akosha_hook.restore.staging import Staging
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.util.progress import Progress

# A database and its sidecars, as an upload has them; uploads that refer to the same have it equal.
DatabaseState = tuple["StoredFile", ...]


@dataclass(slots=True)
class _Reading:
    """What was read so far: the problem of each state, "" where it is whole."""

    store: ObjectStore
    progress: Progress
    problems: dict[DatabaseState, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    downloaded_bytes: int = 0


def read_all(store: ObjectStore, checked: AllUploads, context: Context) -> AllUploads:
    """Download what the complete uploads need, put every file together and scan every database.

    What several uploads refer to is read once, and so is the base of several deltas. The sync lock
    is not needed. Raises BusyError where another process does the same, DeliveryError where the
    store cannot be read.
    """
    complete = [each.upload for each in checked.uploads if not each.problem]
    states = {state for upload in complete for state in _states(upload)}
    reading = _Reading(store, context.progress)
    with _workplace(context.paths) as directory:
        for _, group in itertools.groupby(sorted(states, key=_order), key=_base):
            _read_group(reading, tuple(group), directory)
    uploads = tuple(
        replace(each, problem=each.problem or _problem(each.upload, reading))
        for each in checked.uploads
    )
    return still_listed(
        store,
        replace(
            checked,
            uploads=uploads,
            notes=(*checked.notes, *reading.notes),
            is_read=True,
            downloaded_bytes=reading.downloaded_bytes,
        ),
    )


def remove_abandoned(paths: Paths) -> None:
    """Remove what a killed one left; one that runs is left alone."""
    if not paths.check.exists():
        return
    lock = Lock(paths.check_lock)
    if lock.acquire():
        files.remove_tree(paths.check)
        lock.release()


@contextlib.contextmanager
def _workplace(paths: Paths) -> Iterator[Path]:
    files.private_directory(paths.state)
    lock = Lock(paths.check_lock)
    if not lock.acquire():
        raise BusyError(
            "Another akosha-hook check --read-data is running.", hint="Wait until it has ended."
        )
    try:
        files.remove_tree(paths.check)
        yield files.private_directory(paths.check)
    finally:
        files.remove_tree(paths.check)
        lock.release()


def _states(upload: Upload) -> Iterator[DatabaseState]:
    members: dict[str, list[StoredFile]] = defaultdict(list)
    for each in upload.manifest.metadata.files if upload.manifest else ():
        # Why a later upload refers to it is no part of what is stored.
        members[each.database].append(msgspec.structs.replace(each, stale=None))
    for stored in members.values():
        yield tuple(sorted(stored, key=lambda each: each.name))


def _base(state: DatabaseState) -> str:
    """The key of the full upload that the database is made of."""
    first = state[0]
    return first.delta.base_key if first.delta else first.key


def _order(state: DatabaseState) -> tuple[str, str]:
    return _base(state), state[0].key


def _read_group(reading: _Reading, group: Sequence[DatabaseState], directory: Path) -> None:
    """States that are made of the same full upload, which is downloaded once."""
    uses = Counter(key for state in group for file in state for key in object_keys(file))
    shared = frozenset(key for key, count in uses.items() if count > 1)
    with temporary_staging(directory) as staging:
        staging.stored.mkdir()
        for state in group:
            reading.problems[state] = _read(reading, state, replace(staging, shared=shared))
            for path in staging.whole.iterdir():
                path.unlink()


def _read(reading: _Reading, state: DatabaseState, staging: Staging) -> str:
    """Why a database cannot be restored; "" where it was, as far as can be told."""
    try:
        infos = stored_objects(reading.store, state)
        need_room(staging.root, state)
        reading.progress.phase("download")
        for each in state:
            reading.downloaded_bytes += assemble(
                reading.store, each, staging, infos, reading.progress
            )
        results = check(staging, state, reading.progress)
    except DamagedError as error:
        return error.message.rstrip(".")
    for name, result in results.items():
        if result.is_damaged:
            return f"{result.engine} finds {name} damaged: {result.problem}".rstrip(".")
        if result.needs_force:
            reading.notes[f"{name} ({state[0].key}): {result}"] = None
    return ""


def _problem(upload: Upload, reading: _Reading) -> str:
    problems = (reading.problems.get(state, "") for state in _states(upload))
    return next(filter(None, problems), "")
