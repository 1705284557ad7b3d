"""The last upload: whether the bucket still has it, and all that it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding, bounded
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.state import looks
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import look, select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.state.looks import Look
    from akosha_hook.state.receipt import Receipt

AREA, NAME = "Bucket", "last upload"
SECONDS = 10.0
NAMED = 3


def findings(context: Context) -> Iterator[Finding]:
    """One finding where there was an upload; a look that came to a result is remembered."""
    target = select.preferred(context)
    if target is None or target.method != "cloud":
        return
    last = Receipts(context.paths).last_success(target)
    if last is None:
        return
    try:
        # The deadline of the requests bounds no resolver, and no program that gives the keys.
        seen = bounded(
            lambda: look.look(context, last, seconds=SECONDS),
            seconds=SECONDS + 2,
            what="looking at the last upload",
        )
    except AkoshaHookError as error:
        fix = error.remedy or "check the network, and akosha_cloud_endpoint"
        yield Finding(AREA, NAME, "problem", error.message, fix, error.exit_code)
        return
    looks.remember(context.paths, target, seen)
    yield _finding(context, last, seen)


def _finding(context: Context, last: Receipt, seen: Look) -> Finding:
    if not seen.verified:
        detail = f"{last.upload_id} is not verified: these keys may not look at objects"
        return Finding(AREA, NAME, "ok", detail)
    if not seen.lost:
        detail = f"{last.upload_id} is in the bucket, with every object that it needs"
        return Finding(AREA, NAME, "ok", detail)
    named = ", ".join(seen.lost[:NAMED]) + (", …" if len(seen.lost) > NAMED else "")
    were = "1 object is" if len(seen.lost) == 1 else f"{len(seen.lost)} objects are"
    return Finding(
        AREA,
        NAME,
        "problem",
        f"{were} no longer in the bucket as stored, and {last.upload_id} needs them: {named}",
        look.advice(context, last, seen),
        ExitCode.DAMAGED,
    )
