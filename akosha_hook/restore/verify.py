"""Verifying an upload: a restore that stops short of putting anything in place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import DamagedError
from akosha_hook.restore import place as placing
from akosha_hook.restore.pipeline import assemble_all
from akosha_hook.restore.plan import plan
from akosha_hook.restore.replaying import AS_STORED, replay_logs
from akosha_hook.restore.staging import need_room, temporary_staging
from akosha_hook.state import verification
from akosha_hook.state.verification import Verification
from akosha_hook.util import files, log
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.restore.pipeline import Assembled, Restored
    from akosha_hook.restore.plan import Plan
    from akosha_hook.restore.select import PassedOver, RestoreRequest


def verify(request: RestoreRequest, context: Context) -> Restored:
    """Download, put together and scan an upload in a temporary directory; remember the verdict.

    Where the plan passed over a newer upload, the verdict is that of the newer one: it cannot be
    restored. The caller holds the sync lock. Raises DamagedError, which is remembered too; other
    errors are no verdict.
    """
    files.private_directory(context.paths.state)
    started = time.monotonic()
    try:
        result = _verify(request, context, started)
    except DamagedError as error:
        verdict = Verification(
            at=now_iso(),
            success=False,
            upload_id=request.upload_id,
            system_id=request.system_id,
            duration_seconds=round(time.monotonic() - started, 3),
            error=log.redacted(error.message),
            hint=log.redacted(error.hint),
        )
        verification.remember(context.paths, verdict)
        raise
    failure, passed_over = damaged_newest(result.plan), newest_passed_over(result.plan)
    upload = result.plan.upload
    verdict = Verification(
        at=now_iso(),
        success=failure is None,
        upload_id=passed_over.upload_id if passed_over else upload.upload_id,
        system_id=upload.system_id,
        files=len(result.plan.files),
        size=sum(each.size for each in result.plan.files),
        duration_seconds=round(result.duration_seconds, 3),
        error=log.redacted(failure.message) if failure else None,
        hint=failure.hint if failure else "",
    )
    verification.remember(context.paths, verdict)
    return result


def newest_passed_over(plan: Plan) -> PassedOver | None:
    """The newest upload that should have been taken and cannot be."""
    ours = (each for each in plan.passed_over if each.whose != "other" or plan.whose == "other")
    return next(ours, None)


def damaged_newest(plan: Plan) -> DamagedError | None:
    """What to say where the newest upload cannot be used, and the plan took an older one.

    What somebody else put beside this state's own uploads says nothing of them.
    """
    newest = newest_passed_over(plan)
    if newest is None:
        return None
    return DamagedError(
        f"{newest.upload_id}, the newest upload, cannot be restored: {newest.reason}. "
        f"{plan.upload.upload_id}, which is older, can.",
        hint="akosha-hook sync --full makes a new upload; akosha-hook check looks at all of them.",
    )


def _verify(request: RestoreRequest, context: Context, started: float) -> Restored:
    store = catalog.open_to_read(context)
    planned = plan(store, request, context)
    placing.clean(context.paths.state)
    need_room(context.paths.state, planned.files)
    with temporary_staging(context.paths.state) as staging:
        assembled = assemble_all(store, planned, staging, context)
        notes = [*planned.notes, *_notes(assembled)]
        replayed = (
            () if request.as_stored else replay_logs(staging, planned.files, assembled.checks)
        )
    notes += [
        f"{name}: restore replays its write-ahead log, as Session-Buddy could not open it "
        f"otherwise; {AS_STORED} gives the stored bytes."
        for name in replayed
    ]
    return assembled.restored(started, notes, replayed=replayed)


def _notes(assembled: Assembled) -> Iterator[str]:
    """What only a restore by force puts in place. Raises DamagedError."""
    for name, each in assembled.checks.items():
        if each.is_damaged:
            raise DamagedError(
                f"{assembled.plan.upload.upload_id}: {each.engine} finds {name} damaged: {each.problem}",
                hint="akosha-hook verify UPLOAD_ID looks at an earlier upload; akosha-hook ls "
                "shows them.",
            )
        if each.needs_force:
            yield f"{name}: {each}. Only restore --force puts it in place."
