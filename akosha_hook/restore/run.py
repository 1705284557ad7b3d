"""Restoring an upload into place."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import machine_name, machine_of
from akosha_hook.errors import AkoshaHookError, DamagedError, ExitCode, Kind
from akosha_hook.restore import occupied, sets
from akosha_hook.restore import place as placing
from akosha_hook.restore.directory import created
from akosha_hook.restore.judging import judged
from akosha_hook.restore.pipeline import assemble_all
from akosha_hook.restore.places import by_place, merged
from akosha_hook.restore.plan import plan
from akosha_hook.restore.replaying import AS_STORED, replay_logs
from akosha_hook.restore.select import LATEST
from akosha_hook.restore.staging import continued
from akosha_hook.state import identity
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.restore.check import Check
    from akosha_hook.restore.pipeline import Assembled, Restored
    from akosha_hook.restore.plan import Plan
    from akosha_hook.restore.select import RestoreRequest
    from akosha_hook.restore.sets import SetResult
    from akosha_hook.restore.staging import Staging
    from akosha_hook.snapshot.sets import FileSet
    from akosha_hook.stores.base import ObjectStore

logger = logging.getLogger(__name__)


def restore(request: RestoreRequest, context: Context) -> Restored:
    """Restore into place; the caller holds the sync lock.

    Raises BusyError where a database is held, DamagedError where stored data is not what its
    manifest says, AkoshaHookError for what `request.force` would let pass.
    """
    started = time.monotonic()
    store = catalog.open_to_read(context)
    planned = plan(store, request, context)
    places = by_place(planned)
    for each in places:
        occupied.refuse(each.directory, each.kinds, force=request.force)
        placing.refuse_held(each.directory, each.databases)
    _refuse_foreign(planned, request, context)
    with contextlib.ExitStack() as stack:
        # All of it is whole and checked before anything is replaced.
        ready = [_ready(stack, store, each, request, context) for each in places]
        restored = merged(planned, _put_in_place(ready, request, started))
    logger.info("Restored %s into %s", planned.upload.upload_id, planned.directory)
    return restored


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is whole and checked, in the staging directory of one place."""

    planned: Plan
    staging: Staging
    assembled: Assembled
    notes: list[str]
    replayed: tuple[str, ...]


def _ready(
    stack: contextlib.ExitStack,
    store: ObjectStore,
    planned: Plan,
    request: RestoreRequest,
    context: Context,
) -> _Ready:
    stack.enter_context(created(planned.directory))
    notes = []
    if placing.clean(planned.directory):
        notes.append("An earlier restore had been cut off; what it had begun was undone first.")
    staging = continued(planned.directory, planned.files, planned.objects)
    interrupted = staging.bytes_kept > 0
    stack.enter_context(_kept_when_interrupted(staging))
    assembled = assemble_all(store, planned, staging, context)
    spared = planned.download_bytes - assembled.downloaded_bytes
    if interrupted and spared > 0:
        notes.append(f"{spared:,} bytes were there already, from an interrupted restore.")
    _refuse_damaged_sets(planned, assembled.checks)
    notes += judged(assembled.checks, force=request.force)
    occupied.refuse(planned.directory, planned.kinds, force=request.force)
    replayed = () if request.as_stored else replay_logs(staging, planned.files, assembled.checks)
    notes += [
        f"{name}: its write-ahead log was replayed, as Session-Buddy could not have opened it; "
        f"{AS_STORED} gives the stored bytes."
        for name in replayed
    ]
    return _Ready(planned, staging, assembled, notes, replayed)


def _put_in_place(
    ready: Sequence[_Ready], request: RestoreRequest, started: float
) -> list[Restored]:
    done: list[Restored] = []
    for each in ready:
        try:
            done.append(_into_place(each, request, started))
        except AkoshaHookError as error:
            if done:
                there = ", ".join(name for part in done for name in part.plan.items)
                error.hint = f"Restored already: {there}. {error.hint}".strip()
            raise
    return done


def _into_place(ready: _Ready, request: RestoreRequest, started: float) -> Restored:
    planned, staging = ready.planned, ready.staging
    members = _members(planned, ready.replayed)
    kept = placing.place(staging.whole, staging.root, planned.directory, members)
    aside = kept or placing.free_name(planned.directory)
    results = [_put_back(staging, each, aside, request) for each in planned.sets]
    # What is in place is not for the next restore to undo.
    files.remove_tree(staging.root)
    kept = aside if aside.exists() else None
    return ready.assembled.restored(
        started, ready.notes, kept=kept, sets=results, replayed=ready.replayed
    )


def _refuse_damaged_sets(planned: Plan, checks: Mapping[str, Check]) -> None:
    """Raise DamagedError for one that may lead anywhere: no force puts that in place."""
    for each in planned.sets:
        if problem := checks[each.item].problem:
            raise DamagedError(
                f"{each.item} is what was uploaded, but it cannot be put back: {problem}.",
                hint="Name what else to restore: akosha-hook restore --file NAME",
            )


def _put_back(staging: Staging, files_: FileSet, kept: Path, request: RestoreRequest) -> SetResult:
    """Put the files of a set back. Raises AkoshaHookError where not all of them could be."""
    try:
        return sets.put_back(staging.whole / files_.item, files_, kept, force=request.force)
    except OSError as error:
        raise AkoshaHookError(
            f"Not every file of {files_.name} could be put into {files_.root}: {error.strerror}.",
            hint="The others are as they were.",
            kind=Kind.FULL if files.is_disk_error(error) else Kind.FAILED,
        ) from error


def _members(planned: Plan, replayed: tuple[str, ...]) -> dict[str, list[str]]:
    """The files of each database; where its log was replayed, the database alone."""
    return {
        name: [name]
        if name in replayed
        else [each.name for each in planned.files if each.database == name]
        for name in planned.databases
    }


@contextlib.contextmanager
def _kept_when_interrupted(staging: Staging) -> Iterator[None]:
    """Remove the staging directory unless the same command, run again, could go on from there."""
    try:
        yield
    except KeyboardInterrupt as error:
        hint = _how_to_continue(staging)
        raise AkoshaHookError(
            "Interrupted.", hint=hint, kind=Kind.INTERRUPTED, exit_code=ExitCode.INTERRUPTED
        ) from error
    except DamagedError:
        _remove(staging)
        raise
    except AkoshaHookError as error:
        error.hint = f"{error.hint} {_how_to_continue(staging)}".strip()
        raise
    except OSError as error:
        _remove(staging)
        raise AkoshaHookError(
            f"The restore could not be written to {staging.root.parent}: {error.strerror}.",
            hint="Nothing was changed. Free some space, or restore elsewhere: "
            "akosha-hook restore --to DIR",
        ) from error
    except BaseException:
        _remove(staging)
        raise
    files.remove_tree(staging.root)


def _how_to_continue(staging: Staging) -> str:
    there = staging.bytes_kept
    if not there:
        _remove(staging)
        return ""
    return f"Run the same command again to continue: {there:,} bytes are kept in {staging.root}."


def _remove(staging: Staging) -> None:
    # What was begun to be put in place, and not even undone, is for the next restore to undo.
    if not (staging.root / placing.JOURNAL).exists():
        files.remove_tree(staging.root)


def _refuse_foreign(planned: Plan, request: RestoreRequest, context: Context) -> None:
    """Raise AkoshaHookError where files would be replaced by what is not known to be ours.

    Another machine's is taken where the user named the machine, another system's by force only.
    """
    me = identity.look(context.paths, context.settings)
    upload = planned.upload
    if request.force or request.to:
        return
    if planned.whose == "changed":
        raise _not_ours(planned, request, me.machine_id)
    if not planned.replaces and not planned.guarded:
        return
    replaces = ", ".join((*planned.replaces, *planned.guarded))
    if upload.system_id != me.system_id:
        raise AkoshaHookError(
            f"{upload.upload_id} was made by {upload.system_id}; here, on {me.system_id}, it would replace "
            f"{replaces}.",
            hint="Go ahead with --force (what is there is kept aside), or look at it first: --to DIR",
        )
    # One that bears our id without being ours was overwritten, or made by a copy of this state.
    is_named = bool(request.machine) and machine_of(upload) != me.machine_id
    if planned.whose == "own" or is_named:
        return
    raise _not_ours(planned, request, me.machine_id)


def _not_ours(planned: Plan, request: RestoreRequest, machine_id: str) -> AkoshaHookError:
    upload = planned.upload
    command = "akosha-hook restore"
    if request.upload_id != LATEST:
        command += f" {upload.upload_id}"
    if planned.whose == "changed":
        why = "is not as this machine stored it: its manifest was overwritten"
        go_ahead = f"{command} --force"
    elif machine_of(upload) == machine_id:
        why = "bears this machine's id, but this machine has no record of it"
        go_ahead = f"{command} --force"
    else:
        why = f"is not known to be this machine's: machine {machine_name(upload)} made it"
        go_ahead = f"{command} --machine {machine_name(upload)}"
    here = ", ".join((*planned.replaces, *planned.guarded))
    replaces = f" Here it would replace {here}." if here else ""
    return AkoshaHookError(
        f"{upload.upload_id} of {upload.at.astimezone():%Y-%m-%d %H:%M} {why}.{replaces}",
        hint=f"{go_ahead} (what is there is kept aside), or look at it first: --to DIR",
    )
