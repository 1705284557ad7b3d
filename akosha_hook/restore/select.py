"""Selecting the upload to restore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError, DamagedError, ExitCode
from akosha_hook.state import identity

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.catalog import Upload
    from akosha_hook.context import Context
    from akosha_hook.stores.base import ObjectStore

LATEST = "latest"
NAMED = 12


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What a user asks to have restored.

    `system_id` "" is this machine's. `names` are databases, all where empty. `to` is a directory
    of the user's instead of the data directory. `force` goes ahead where a restore asks first.
    """

    upload_id: str = LATEST
    system_id: str = ""
    at: dt.datetime | None = None
    names: tuple[str, ...] = ()
    to: Path | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class PassedOver:
    """An upload that is newer than the one that was selected, and why it cannot be used."""

    upload_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.upload_id} is newer and was passed over: {self.reason}."


@dataclass(frozen=True, slots=True)
class Selected:
    """The upload, and what a user should know about the selection.

    `notes` begin with `passed_over`, of which the newest comes first.
    """

    upload: Upload
    notes: tuple[str, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def select_upload(store: ObjectStore, request: RestoreRequest, context: Context) -> Selected:
    """The upload that was asked for: an id, the newest, or the newest made by `at`.

    Raises AkoshaHookError with the names there are, where it is not there, and DamagedError where
    it cannot be used.
    """
    mine = identity.peek(context.paths, context.settings)
    system_id = request.system_id or mine
    if request.upload_id != LATEST:
        # Reading one object works with keys that may not list, and on a bucket of any size.
        upload = catalog.read_upload(store, system_id, request.upload_id)
        if upload is not None:
            return Selected(_usable(upload))
    uploads = catalog.uploads(store, system_id)
    if not uploads:
        raise _no_such_system(store, system_id, named=bool(request.system_id))
    if request.upload_id != LATEST:
        raise _no_such_upload(request.upload_id, uploads)
    return _newest(uploads, request)


def _newest(uploads: tuple[Upload, ...], request: RestoreRequest) -> Selected:
    before = [each for each in uploads if request.at is None or each.at <= request.at]
    complete = [each for each in before if each.complete]
    if not complete:
        raise _nothing_usable(uploads, before, request)
    newest = complete[0]
    passed_over = _passed_over(before, newest)
    notes = [str(each) for each in passed_over]
    machines = {each.manifest.metadata.machine_id for each in complete if each.manifest}
    if len(machines) > 1:
        notes.append(
            f"{len(machines)} machines have uploaded as {newest.system_id}; "
            f"{newest.upload_id} is the newest of all."
        )
    return Selected(newest, tuple(notes), passed_over)


def _passed_over(uploads: Sequence[Upload], selected: Upload) -> tuple[PassedOver, ...]:
    unusable = [each for each in uploads if each.has_manifest and (each.problem or each.missing)]
    newer = [each for each in unusable if _is_newer(each, selected)]
    newer.sort(key=lambda each: each.upload_id, reverse=True)
    return tuple(PassedOver(each.upload_id, _why_not(each)) for each in newer)


def _is_newer(upload: Upload, than: Upload) -> bool:
    """By sequence; a manifest that cannot be read tells none, but ids sort as uploads were made."""
    if upload.manifest is not None:
        return upload.sequence > than.sequence
    return upload.upload_id > than.upload_id


def _why_not(upload: Upload) -> str:
    if upload.problem:
        return upload.problem.rstrip(".")
    return f"{upload.missing[0]} is not in the bucket as its manifest says"


def _usable(upload: Upload) -> Upload:
    if upload.problem:
        raise DamagedError(upload.problem, hint="akosha-hook ls shows what else there is.")
    return upload


def _nothing_usable(
    uploads: tuple[Upload, ...], before: list[Upload], request: RestoreRequest
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
            f"{upload_id} was never completed: it has no manifest.",
            hint=f"akosha-hook restore latest --system {system_id}",
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
