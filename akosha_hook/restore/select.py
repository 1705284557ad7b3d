"""Selecting the upload to restore."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import Ownership, copy_note, machine_name, machine_of
from akosha_hook.catalog.names import with_names_checked
from akosha_hook.errors import AkoshaHookError, DamagedError, ExitCode
from akosha_hook.state import identity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.catalog import Upload, Whose
    from akosha_hook.context import Context
    from akosha_hook.stores.base import ObjectStore

LATEST = "latest"
NAMED = 12
# So many uploads of others that cannot be used are said.
STRANGE = 3


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What a user asks to have restored.

    `system_id` "" is this machine's. `names` are databases, all where empty. `to` is a directory
    of the user's instead of the data directory. `force` goes ahead where a restore asks first.
    `machine` is the beginning of the id of the machine whose uploads are meant. `as_stored` gives the
    stored bytes, even of a database that Session-Buddy could not open.
    """

    upload_id: str = LATEST
    system_id: str = ""
    at: dt.datetime | None = None
    names: tuple[str, ...] = ()
    to: Path | None = None
    force: bool = False
    machine: str = ""
    as_stored: bool = False


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An upload that is newer than the one that was selected, and why it cannot be used."""

    upload_id: str
    reason: str
    whose: Whose

    def __str__(self) -> str:
        return f"{self.upload_id} is newer and was passed over: {self.reason}."


@dataclass(frozen=True, slots=True)
class Selected:
    """The upload, whose it is, and what a user should know about the selection.

    `notes` begin with `passed_over`, of which the newest comes first.
    """

    upload: Upload
    whose: Whose
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def select_upload(store: ObjectStore, request: RestoreRequest, context: Context) -> Selected:
    """The upload that was asked for: an id, the newest, or the newest made by `at`.

    This state's own come before all others under the same name. Raises AkoshaHookError with the
    names there are, where it is not there, and DamagedError where it cannot be used.
    """
    mine = identity.peek(context.paths, context.settings)
    system_id = request.system_id or mine
    ownership = Ownership.look(context)
    if request.upload_id != LATEST:
        # Reading one object works with keys that may not list, and on a bucket of any size.
        upload = catalog.read_upload(store, system_id, request.upload_id)
        if upload is not None:
            selected = context.settings.akosha_databases
            _of_machine([_usable(with_names_checked(upload, ownership, selected))], request)
            return Selected(upload, ownership.of(upload))
    found = catalog.survey(store, system_id, context, ownership)
    uploads = found.uploads
    if not uploads:
        raise _no_such_system(store, system_id, named=bool(request.system_id))
    if request.upload_id != LATEST:
        raise _no_such_upload(request.upload_id, uploads)
    chosen = _newest(_of_machine(uploads, request), request, ownership)
    if chosen.whose != "own" and not (request.machine or request.force):
        _refuse_instead_of_own(chosen.upload, system_id, store, context, ownership)
    copied = [copy_note(each) for each in ownership.of_a_copy(uploads)[:1]]
    notes = (*chosen.notes, *copied, *_ahead(uploads, chosen.upload), *found.notes(system_id))
    return replace(chosen, notes=notes)


def _refuse_instead_of_own(
    newest: Upload, system_id: str, store: ObjectStore, context: Context, ownership: Ownership
) -> None:
    """Raise DamagedError where this state has stored uploads there and none of them can be used.

    Whoever spoils them all must not thereby have his own restored.
    """
    here = f"{context.settings.akosha_cloud_endpoint} {store.describe().name}".strip()
    if not ownership.has_stored(here, system_id):
        return
    raise DamagedError(
        f"None of this machine's own uploads can be restored; {newest.upload_id} is not known to be "
        "its own.",
        hint=f"To take that one: akosha-hook restore {newest.upload_id} --machine "
        f"{machine_name(newest)}. akosha-hook ls shows what there is.",
    )


def _ahead(uploads: Sequence[Upload], chosen: Upload) -> list[str]:
    """That others' uploads lie ahead of this machine's clock, and are not taken for the newest."""
    ahead = [each for each in uploads if each.ahead]
    if not ahead:
        return []
    if chosen.ahead:
        note = (
            f"{chosen.upload_id} claims to be of more than a day ahead of this machine's clock, and "
            "there is no other. Is the clock right?"
        )
        return [note]
    which = f"{ahead[0].upload_id} claims"
    if len(ahead) > 1:
        which = f"{ahead[0].upload_id} and {len(ahead) - 1} more claim"
    note = (
        f"{which} to be of more than a day ahead of this machine's clock, and this machine has no "
        "record of it: not taken for the newest. An upload id takes any upload."
    )
    return [note]


def _of_machine(uploads: Sequence[Upload], request: RestoreRequest) -> Sequence[Upload]:
    """Those of the machine that was asked for; all where none was.

    Raises AkoshaHookError where no machine has that id, or more than one.
    """
    if not request.machine:
        return uploads
    found = [each for each in uploads if machine_of(each).startswith(request.machine)]
    machines = sorted({machine_of(each) for each in found})
    if len(machines) > 1:
        raise AkoshaHookError(
            f"{request.machine} is the beginning of several machines' ids: {', '.join(machines)}.",
            hint="Give more of it: --machine ID",
        )
    if not found:
        known = dict.fromkeys(machine_name(each) for each in uploads if each.manifest)
        there = ", ".join([*known][:NAMED]) or "none"
        raise AkoshaHookError(
            f"No machine whose id begins with {request.machine} made "
            + (request.upload_id if request.upload_id != LATEST else "any of these uploads")
            + f"; machines there are: {there}.",
            hint="akosha-hook ls shows which machine made which upload.",
        )
    return found


def _newest(uploads: Sequence[Upload], request: RestoreRequest, ownership: Ownership) -> Selected:
    before = [each for each in uploads if request.at is None or each.at <= request.at]
    complete = [each for each in before if each.complete]
    if not complete:
        raise _nothing_usable(uploads, before, request)
    own = [each for each in complete if ownership.owns(each)]
    newest = (own or complete)[0]
    passed_over = _passed_over(before, newest, ownership)
    notes = [str(each) for each in passed_over]
    if own:
        newer = [each for each in before if _is_newer(each, newest)]
        notes += _newer_of_others(newer, ownership, request)
    else:
        broken = any(ownership.owns(each) for each in before)
        notes += _nobody_knows_whose(newest, complete, request, own_are_broken=broken)
    return Selected(newest, ownership.of(newest), tuple(notes), passed_over)


def _newer_of_others(
    passed_over: Sequence[Upload], ownership: Ownership, request: RestoreRequest
) -> list[str]:
    """That other machines have uploaded something newer, and what to type for it."""
    others = [each for each in passed_over if each.complete and ownership.of(each) == "other"]
    if not others:
        return []
    newest, more = others[0], len(others) - 1
    which = f"{newest.upload_id} and {more} more are" if more else f"{newest.upload_id} is"
    machine = machine_name(newest)
    note = (
        f"{which} newer, but not known to be this machine's. To take the newest of machine "
        f"{machine}: akosha-hook restore{_with_system(request)} --machine {machine}"
    )
    return [note]


def _nobody_knows_whose(
    newest: Upload,
    complete: Sequence[Upload],
    request: RestoreRequest,
    *,
    own_are_broken: bool,
) -> list[str]:
    """What cannot be known where nothing is this state's own: a new machine, or a lost state."""
    notes = []
    if own_are_broken:
        notes.append(
            f"None of this machine's own uploads can be restored; {newest.upload_id} is not known "
            "to be its own."
        )
    elif not request.system_id and not request.machine:
        notes.append(
            f"This machine has no record of any upload as {newest.system_id}, so whether "
            f"{newest.upload_id} is its own is not known."
        )
    machines = {machine_of(each): machine_name(each) for each in reversed(complete)}
    if len(machines) > 1:
        named = ", ".join([*machines.values()][::-1][:NAMED])
        notes.append(
            f"{len(machines)} machines have uploaded as {newest.system_id}; "
            f"{newest.upload_id} is the newest of all. To take one's: --machine ID ({named})"
        )
    return notes


def _passed_over(
    uploads: Sequence[Upload], selected: Upload, ownership: Ownership
) -> tuple[PassedOver, ...]:
    unusable = [
        each
        for each in uploads
        if each.has_manifest and (not each.complete or ownership.of(each) == "changed")
    ]
    newer = [each for each in unusable if _is_newer(each, selected)]
    newer.sort(key=lambda each: each.upload_id, reverse=True)
    # Of others there may be any number.
    strange = [each for each in newer if ownership.of(each) == "other"][:STRANGE]
    return tuple(
        PassedOver(each.upload_id, _why_not(each, ownership), ownership.of(each))
        for each in newer
        if ownership.of(each) != "other" or each in strange
    )


def _is_newer(upload: Upload, than: Upload) -> bool:
    """By sequence; a manifest that cannot be read tells none, but ids sort as uploads were made."""
    if upload.ahead != than.ahead:
        return than.ahead
    if upload.manifest is not None:
        return upload.sequence > than.sequence
    return upload.upload_id > than.upload_id


def _with_system(request: RestoreRequest) -> str:
    return f" --system {request.system_id}" if request.system_id else ""


def _why_not(upload: Upload, ownership: Ownership) -> str:
    if upload.problem:
        return upload.problem.rstrip(".")
    if upload.missing:
        return f"{upload.missing[0]} is not in the bucket as its manifest says"
    assert ownership.of(upload) == "changed"
    return "its manifest is not the one that this machine stored"


def _usable(upload: Upload) -> Upload:
    if upload.problem:
        raise DamagedError(upload.problem, hint="akosha-hook ls shows what else there is.")
    return upload


def _nothing_usable(
    uploads: Sequence[Upload], before: Sequence[Upload], request: RestoreRequest
) -> AkoshaHookError:
    if request.at is not None and not before:
        first = min(each.at for each in uploads)
        return AkoshaHookError(
            f"Nothing was uploaded by {request.at.isoformat(sep=' ', timespec='minutes')}; "
            f"the first upload there is was made at "
            f"{first.astimezone(request.at.tzinfo).isoformat(sep=' ', timespec='minutes')}.",
            hint="akosha-hook ls shows every upload.",
        )
    return DamagedError(
        f"{before[0].system_id} has no complete upload "
        + ("by then." if request.at else "in the bucket."),
        hint="akosha-hook ls shows what there is; akosha-hook sync --full makes a new one.",
    )


def _no_such_upload(upload_id: str, uploads: tuple[Upload, ...]) -> AkoshaHookError:
    system_id = uploads[0].system_id
    if any(each.upload_id == upload_id for each in uploads):
        return DamagedError(
            f"{upload_id} has no manifest: it was pruned, or never completed.",
            hint=f"akosha-hook ls --system {system_id} shows which uploads can be restored.",
        )
    newest = next((each.upload_id for each in uploads if each.complete), "")
    return AkoshaHookError(
        f"There is no upload {upload_id} of {system_id}.",
        hint="akosha-hook ls shows them" + (f"; the newest is {newest}." if newest else "."),
    )


def _no_such_system(store: ObjectStore, system_id: str, *, named: bool) -> AkoshaHookError:
    """Says which systems there are: on a new machine that is what one needs to know."""
    known = catalog.systems(store)
    if not known:
        return AkoshaHookError(
            f"Bucket {store.describe().name} holds no uploads.",
            hint="Check akosha_cloud_bucket and akosha_cloud_endpoint; "
            "akosha-hook config show --origin says where they come from.",
        )
    listed = ", ".join(known[:NAMED]) + (", …" if len(known) > NAMED else "")
    whose = "" if named else ", which is this machine's name"
    return AkoshaHookError(
        f"Nothing is stored for {system_id}{whose}. Systems in bucket {store.describe().name}: {listed}.",
        hint=f"akosha-hook restore --system {known[0]}",
        exit_code=ExitCode.FAILED,
    )
