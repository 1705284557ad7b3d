"""The end of a sync: which events are done with, what the next session start says, when to retry."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from akosha_hook.errors import NothingToBackUpError, SettingsError, UnconfirmedError
from akosha_hook.hook import outbox
from akosha_hook.state import backoff, held, notice, pin
from akosha_hook.state.progress_file import KeepsResult, ProgressFile, SyncResult
from akosha_hook.sync import select
from akosha_hook.util import files
from akosha_hook.worker import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.errors import AkoshaHookError
    from akosha_hook.hook.event import Event
    from akosha_hook.state.receipts import Receipts
    from akosha_hook.sync.outcome import Outcome

logger = logging.getLogger(__name__)


def finish(outcome: Outcome, events: Sequence[Event], context: Context, receipts: Receipts) -> None:
    """Acknowledge `events` (listed before the snapshot) unless an upload for them is pending."""
    logger.info("Sync ended after %.1f s: %s", outcome.duration_seconds, outcome.state)
    result = SyncResult(
        at=time.time(),
        state=outcome.state,
        method=outcome.method,
        error=outcome.error,
        hint=outcome.hint,
    )
    _remember(context, result)
    pending = outcome.pending or not _is_preferred(outcome, context)
    if not pending:
        outbox.acknowledge(events)
    elif any(each.reason == "busy" for each in outcome.skipped):
        _retry_later(context, "a database was busy")
    if outcome.success and not pending:
        notice.clear(context.paths)
    elif _never_set_up(outcome, context, receipts):
        outbox.acknowledge(events[:-1])
        _show_setup_once(context, events)
    elif outcome.error:
        notice.leave_failure(context.paths, outcome.error, outcome.hint)
    elif outcome.collapsed:
        notice.clear(context.paths)
    metrics.write(context, receipts)


def defer(
    error: AkoshaHookError, events: Sequence[Event], context: Context, receipts: Receipts
) -> None:
    """A sync that could not even be tried: the events wait, unless waiting cannot help."""
    remember_failure(error, context, receipts)
    if isinstance(error, NothingToBackUpError):
        outbox.acknowledge(events)
    elif isinstance(error, SettingsError):
        outbox.acknowledge(events[:-1])
        _show_setup_once(context, events)
    elif isinstance(error, UnconfirmedError):
        _hold(error, events, context)
    else:
        _retry_later(context, error.message)
        notice.leave_failure(context.paths, error.message, error.hint)
    metrics.write(context, receipts)


def _hold(error: UnconfirmedError, events: Sequence[Event], context: Context) -> None:
    """Keep the events until the user has confirmed where memories go; no server has failed."""
    if not context.settings.akosha_cloud_bucket and pin.look(context.paths) is None:
        outbox.acknowledge(events[:-1])
        _show_setup_once(context, events)
        return
    held.remember(context.paths, error.message)
    notice.leave_failure(context.paths, error.message, error.hint)


def remember_failure(error: AkoshaHookError, context: Context, receipts: Receipts) -> None:
    """Have `status` show what kept a sync from being tried."""
    logger.error("%s", error.message, exc_info=error)
    result = SyncResult(
        at=time.time(),
        state="failed",
        method="http" if context.settings.akosha_force_method == "http" else "cloud",
        error=error.message,
        hint=error.hint,
    )
    _remember(context, result)
    metrics.write(context, receipts)


def _remember(context: Context, result: SyncResult) -> None:
    # Whoever writes the progress of this sync: it would overwrite what another one writes.
    progress = context.progress
    if isinstance(progress, KeepsResult):
        progress.finished(result)
    else:
        ProgressFile(context.paths).finished(result)


def _retry_later(context: Context, reason: str) -> None:
    """Hold the preferred destination back for a while, so that waiting events do not spin."""
    target = select.preferred(context)
    if target is not None:
        config_hash = backoff.config_hash(context.settings, context.environ)
        backoff.failed(context.paths, target, reason, config_hash)


def _is_preferred(outcome: Outcome, context: Context) -> bool:
    """Whether it went where the settings want it: a user may have asked for another destination."""
    target = select.preferred(context)
    return target is None or outcome.method == target.method


def _never_set_up(outcome: Outcome, context: Context, receipts: Receipts) -> bool:
    """No bucket, and no Akosha server that ever answered: nobody has set anything up yet."""
    if outcome.state != "failed" or context.settings.akosha_cloud_bucket:
        return False
    return not any(each.success for each in receipts.newest_first())


def _show_setup_once(context: Context, events: Sequence[Event]) -> None:
    """The set-up notice is shown at one session start, then never again."""
    marker = context.paths.setup_notice_shown
    if not marker.exists():
        files.write_atomic(marker, b"")
        notice.leave(context.paths, notice.SETUP)
    elif any(event.name == "session-start" for event in events):
        notice.clear(context.paths)
