"""The worker's own pruning: after an upload, at most daily, and never in anybody's way."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError
from akosha_hook.prune.keep import Keep
from akosha_hook.prune.planning import plan
from akosha_hook.prune.pruning import apply
from akosha_hook.util import files, log
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.sync.outcome import Outcome

EVERY_SECONDS = 86_400.0
logger = logging.getLogger(__name__)


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """`prune.json`: the worker's last pruning; `at` is epoch seconds."""

    at: Epoch
    success: bool
    uploads_removed: int = 0
    freed_bytes: int = 0
    error: str | None = None
    hint: str = ""


def last(paths: Paths) -> Pruning | None:
    """What the worker's last pruning came to; None before the first."""
    return files.read_json(paths.prune, Pruning)


def after_upload(outcome: Outcome, context: Context) -> None:
    """Prune if settings say so, the cloud was reached, and a day has passed. Never raises.

    The caller holds the sync lock.
    """
    keep = Keep.by_settings(context.settings)
    if not keep or outcome.state != "uploaded" or outcome.method != "cloud":
        return
    before = last(context.paths)
    # A time still to come is no reason to wait.
    if before is not None and 0 <= time.time() - before.at < EVERY_SECONDS:
        return
    result = _prune(keep, context)
    try:
        files.write_json(context.paths.prune, result)
    except OSError:
        logger.warning("prune.json could not be written", exc_info=True)


def _prune(keep: Keep, context: Context) -> Pruning:
    try:
        bucket = catalog.open_to_read(context)
        found = plan(bucket, keep, context)
        done = apply(bucket, found)
    except AkoshaHookError as error:
        logger.warning("Not pruned: %s", error.message)
        return Pruning(
            at=time.time(),
            success=False,
            error=log.redacted(error.message),
            hint=log.redacted(error.hint),
        )
    return Pruning(
        at=time.time(),
        success=True,
        uploads_removed=len(found.removed),
        freed_bytes=done.freed_bytes,
    )
