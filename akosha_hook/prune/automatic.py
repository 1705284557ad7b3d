"""The worker's own pruning: after an upload, at most daily, and never in anybody's way."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError
from akosha_hook.prune.keep import Keep
from akosha_hook.prune.planning import plan
from akosha_hook.prune.pruning import apply
from akosha_hook.state import pruning
from akosha_hook.state.pruning import Pruning
from akosha_hook.util import log

if TYPE_CHECKING:
    from akosha_hook.context import Context

EVERY_SECONDS = 86_400.0
logger = logging.getLogger(__name__)


def after_upload(context: Context) -> None:
    """Prune if settings say so and a day has passed since the last time. Never raises.

    Called after an upload to the store; the caller holds the sync lock.
    """
    keep = Keep.by_settings(context.settings)
    if not keep:
        return
    before = pruning.last(context.paths)
    # A time still to come is no reason to wait.
    if before is not None and 0 <= time.time() - before.at < EVERY_SECONDS:
        return
    pruning.remember(context.paths, _prune(keep, context))


def _prune(keep: Keep, context: Context) -> Pruning:
    try:
        store = catalog.open_to_read(context)
        planned = plan(store, keep, context)
        done = apply(store, planned, context)
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
        uploads_removed=len(planned.removed),
        freed_bytes=done.freed_bytes,
    )
