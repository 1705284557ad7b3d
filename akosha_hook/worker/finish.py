"""After a sync: which events are dealt with, what the next session start says, when to come back."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from akosha_hook.errors import NothingToBackUpError, SettingsError
from akosha_hook.hook import outbox
from akosha_hook.state import backoff, identity, notice, receipt
from akosha_hook.state.progress_file import Check, ProgressFile
from akosha_hook.sync import select as selection
from akosha_hook.util import files
from akosha_hook.worker import metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.errors import AkoshaHookError
    from akosha_hook.hook.event import Event
    from akosha_hook.sync.outcome import Outcome

logger = logging.getLogger(__name__)


def conclude(outcome: Outcome, events: Sequence[Event], context: Context) -> None:
    """Acknowledge `events` (listed before the snapshot) unless something is still owed to them."""
    logger.info("Sync ended after %.1f s: %s", outcome.duration_seconds, outcome.state)
    _remember(
        context,
        Check(
            at=time.time(),
            state=outcome.state,
            method=outcome.method,
            error=outcome.error,
            hint=outcome.hint,
        ),
    )
    owed = outcome.owed or not _is_preferred(outcome, context)
    if not owed:
        outbox.acknowledge(events)
    elif any(each.reason == "busy" for each in outcome.skipped):
        _come_back(context, "a database was busy")
    if outcome.success and not owed:
        notice.clear(context.paths)
    elif _never_set_up(outcome, context):
        outbox.acknowledge(events[:-1])
        _say_once(context, events)
    elif outcome.error:
        notice.leave(context.paths, f"akosha-hook: {outcome.error} {outcome.hint}".strip())
    metrics.write(context.paths, context.settings)


def give_up(error: AkoshaHookError, events: Sequence[Event], context: Context) -> None:
    """A sync that could not even be tried: the events wait, unless waiting cannot help."""
    remember_failure(error, context)
    _keep_or_drop(error, events, context)
    metrics.write(context.paths, context.settings)


def _keep_or_drop(error: AkoshaHookError, events: Sequence[Event], context: Context) -> None:
    if isinstance(error, NothingToBackUpError):
        outbox.acknowledge(events)
        return
    if isinstance(error, SettingsError):
        outbox.acknowledge(events[:-1])
        _say_once(context, events)
        return
    _come_back(context, error.message)
    notice.leave(context.paths, f"akosha-hook: {error.message} {error.hint}".strip())


def remember_failure(error: AkoshaHookError, context: Context) -> None:
    """Have `status` show what kept a sync from being tried."""
    logger.error("%s", error.message, exc_info=error)
    _remember(
        context,
        Check(
            at=time.time(),
            state="failed",
            method="http" if context.settings.akosha_force_method == "http" else "cloud",
            error=error.message,
            hint=error.hint,
        ),
    )
    metrics.write(context.paths, context.settings)


def _remember(context: Context, check: Check) -> None:
    progress = context.progress
    if isinstance(progress, ProgressFile):
        progress.finished(check)
    else:
        ProgressFile(context.paths).finished(check)


def _come_back(context: Context, reason: str) -> None:
    """Hold the preferred destination back for a while, so that waiting events do not spin."""
    settings = context.settings
    try:
        method = selection.destinations(settings)[0]
    except SettingsError:
        return
    target = selection.target_of(settings, method, identity.load(context.paths, settings).system_id)
    backoff.failed(context.paths, target, reason, backoff.circumstances(settings, context.environ))


def _is_preferred(outcome: Outcome, context: Context) -> bool:
    """Whether it went where the settings want it: a user may have asked for another destination."""
    try:
        return outcome.method == selection.destinations(context.settings)[0]
    except SettingsError:
        return True


def _never_set_up(outcome: Outcome, context: Context) -> bool:
    """No bucket, and no Akosha server that ever answered: nobody has set anything up yet."""
    if outcome.state != "failed" or context.settings.akosha_cloud_bucket:
        return False
    return not any(each.success for each in receipt.newest_first(context.paths))


def _say_once(context: Context, events: Sequence[Event]) -> None:
    """The set-up notice is shown at one session start, then never again."""
    marker = context.paths.setup_notice_shown
    if not marker.exists():
        files.write_atomic(marker, b"")
        notice.leave(context.paths, notice.SETUP)
    elif any(event.name == "session-start" for event in events):
        notice.clear(context.paths)
