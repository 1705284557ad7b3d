"""The worker's own pruning: after an upload, at most daily, and never in anybody's way."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError, DeadlinePassedError
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

    Called after an upload to the store; the caller holds the sync lock. It may take as long as an
    upload may, since nothing is uploaded meanwhile.
    """
    keep = Keep.by_settings(context.settings)
    if not keep:
        return
    before = pruning.last(context.paths)
    # A time still to come is no reason to wait.
    if before is not None and 0 <= time.time() - before.at < EVERY_SECONDS:
        return
    context.progress.phase("prune")
    context.progress.file("", 0)
    pruning.remember(context.paths, _prune(keep, context))


def _prune(keep: Keep, context: Context) -> Pruning:
    try:
        store = catalog.open_to_read(
            context, seconds=context.settings.akosha_upload_timeout_seconds
        )
        planned = plan(store, keep, context)
        done = apply(store, planned, context)
    except DeadlinePassedError as error:
        return _failed(
            f"Pruning was not done after {error.seconds:g} s.",
            "akosha-hook prune takes the time that it needs, or raise akosha_upload_timeout_seconds.",
        )
    except AkoshaHookError as error:
        return _failed(error.message, error.hint)
    return Pruning(
        at=time.time(),
        success=True,
        uploads_removed=len(planned.removed),
        freed_bytes=done.freed_bytes,
    )


def _failed(message: str, hint: str) -> Pruning:
    logger.warning("Not pruned: %s", message)
    return Pruning(
        at=time.time(), success=False, error=log.redacted(message), hint=log.redacted(hint)
    )
