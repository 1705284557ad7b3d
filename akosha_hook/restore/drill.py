"""A restore that stops short of putting anything in place, and the memory of the last one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import catalog
from akosha_hook.errors import DamagedError
from akosha_hook.restore import place as placing
from akosha_hook.restore.restoring import Restored, plan
from akosha_hook.restore.staging import assemble, check, need_room, staging
from akosha_hook.util import files, log
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.restore.choice import Wish


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """`drill.json`: the last verification that came to a verdict; `at` is ISO 8601 UTC.

    `upload_id` is what was asked for where it could not be chosen.
    """

    at: str
    success: bool
    upload_id: str
    system_id: str
    files: int = 0
    size: int = 0
    duration_seconds: float = 0.0
    error: str | None = None
    hint: str = ""


def last_drill(paths: Paths) -> Drill | None:
    """The last verdict; None before the first."""
    return files.read_json(paths.drill, Drill)


def verify(wish: Wish, context: Context) -> Restored:
    """Download, put together and scan an upload in a temporary directory, and remember the verdict.

    The caller holds the sync lock. Raises DamagedError, which is remembered too; other errors are
    no verdict.
    """
    files.private_directory(context.paths.state)
    started = time.monotonic()
    try:
        result = _rehearse(wish, context, started)
    except DamagedError as error:
        files.write_json(
            context.paths.drill,
            Drill(
                at=now_iso(),
                success=False,
                upload_id=wish.upload_id,
                system_id=wish.system_id,
                duration_seconds=round(time.monotonic() - started, 3),
                error=log.redacted(error.message),
                hint=log.redacted(error.hint),
            ),
        )
        raise
    files.write_json(
        context.paths.drill,
        Drill(
            at=now_iso(),
            success=True,
            upload_id=result.plan.upload.upload_id,
            system_id=result.plan.upload.system_id,
            files=len(result.plan.files),
            size=sum(each.size for each in result.plan.files),
            duration_seconds=round(result.duration_seconds, 3),
        ),
    )
    return result


def _rehearse(wish: Wish, context: Context, started: float) -> Restored:
    bucket = catalog.open_to_read(context)
    found = plan(bucket, wish, context)
    placing.clean(context.paths.state)
    need_room(context.paths.state, found.files)
    with staging(context.paths.state) as made:
        context.progress.phase("download")
        downloaded = sum(
            assemble(bucket, each, made, found.objects, context.progress) for each in found.files
        )
        checks = check(made, found.files, context.progress)
    notes = list(found.notes)
    for name, finding in checks.items():
        if finding.startswith("not checked"):
            notes.append(f"{name}: {finding}")
        elif finding:
            raise DamagedError(
                f"{found.upload.upload_id}: DuckDB finds {name} damaged: {finding}",
                hint="akosha-hook verify UPLOAD_ID looks at an earlier upload; akosha-hook ls "
                "shows them.",
            )
    return Restored(
        plan=found,
        checks=checks,
        downloaded_bytes=downloaded,
        duration_seconds=time.monotonic() - started,
        notes=tuple(notes),
    )
