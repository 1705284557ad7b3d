"""The worker's loop, under its lock: settle, see what is due, sync, look again, sleep or leave."""

from __future__ import annotations

import functools
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook import prune, settings
from akosha_hook.context import Context
from akosha_hook.errors import AkoshaHookError, SettingsError
from akosha_hook.hook import outbox
from akosha_hook.settings import project, repository
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot import find, owner
from akosha_hook.state import backoff, pinning
from akosha_hook.state.progress_file import ProgressFile, SyncResult
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as sync
from akosha_hook.sync import select
from akosha_hook.util import files, log
from akosha_hook.util.lock import Lock
from akosha_hook.worker import finish, schedule
from akosha_hook.worker.rest import Rest, watched_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

    from akosha_hook.hook.event import Event
    from akosha_hook.paths import Paths
    from akosha_hook.settings import Loaded, Settings
    from akosha_hook.worker.schedule import Plan

STAY_SECONDS = 15 * 60.0
SETTLE_LIMIT_SECONDS = 30.0
OWNER_SECONDS = 10.0
POLL_SECONDS = 1.0
logger = logging.getLogger(__name__)


def forget_projects(paths: Paths, environ: MutableMapping[str, str]) -> tuple[str, ...]:
    """Take what projects put into the worker's `environ` out of it, and say what.

    Whoever started the worker tied it to the user's own configuration directory, that of `paths`,
    and left the directory it was in as OLDPWD: its event may be gone by now.
    """
    previous = environ.get("OLDPWD")
    directories = [event.directory for event in outbox.waiting(paths)]
    if previous:
        directories.append(Path(previous))
    return project.forget_projects(environ, dict.fromkeys(directories), claude=paths.claude)


def run(paths: Paths, environ: Mapping[str, str], dropped: Sequence[str] = ()) -> Rest | None:
    """Deal with everything that is due within 15 minutes; the caller holds the worker lock.

    Returns what is to be waited for without the lock, if anything: the end of a backoff. `dropped`
    are variables of projects that are not in `environ` any more.
    """
    progress = ProgressFile(paths)
    rest: Rest | None = None
    try:
        rest = _run(paths, environ, dropped, progress)
    finally:
        # While it rests, it is shown as waiting.
        if rest is None:
            progress.idle()
    return rest


def _run(
    paths: Paths, environ: Mapping[str, str], dropped: Sequence[str], progress: ProgressFile
) -> Rest | None:
    logged: set[str] = set()
    dealt_with: object = None
    if dropped:
        progress.dropped(dropped)
        _log_once(dropped, logged)
    while True:
        # Before anything is read: what changes after it must end the waiting.
        seen = _names(paths.outbox)
        watched = watched_files(paths, environ)
        stamps = files.stamps(watched)
        if not (events := outbox.waiting(paths)):
            return None
        context = _context(paths, environ, progress, tuple(dropped))
        _log_once(context.loaded.problems, logged)
        if context.loaded.unsafe:
            _report_unsafe(context.loaded, progress)
            return None
        if error := _no_destination(context):
            finish.defer(error, events, context, Receipts(paths))
            return None
        plan = _plan(context)
        outbox.acknowledge(plan.ignored)
        if plan.due is None or plan.due > time.time() + STAY_SECONDS:
            return None
        if plan.due > time.time():
            progress.waiting(plan.due)
            if plan.backs_off:
                return Rest(plan.due, paths.outbox, watched, stamps)
            _sleep_until(plan.due, paths.outbox, seen)
            dealt_with = None
            continue
        # What was corrected meanwhile, after a failure, is worth another try.
        if (events, stamps) == dealt_with:
            logger.error("Events stay in %s although they are dealt with", paths.outbox)
            return None
        dealt_with = (events, stamps)
        _sync(context)


def _context(
    paths: Paths, environ: Mapping[str, str], progress: ProgressFile, dropped: tuple[str, ...]
) -> Context:
    """Settings are read before every sync: a user may have corrected them."""
    loaded = settings.load(environ, paths)
    log.configure(paths, level=loaded.settings.log_level, debug=loaded.settings.enable_debug_mode)
    log.protect_environment(environ)
    return Context(loaded, paths, environ, progress, dropped)


def is_due(paths: Paths, environ: Mapping[str, str]) -> bool:
    """Whether a worker that left now would leave something behind; asked after unlocking."""
    if not outbox.waiting(paths):
        return False
    context = Context(settings.load(environ, paths), paths, environ)
    if context.loaded.unsafe or _no_destination(context):
        return False
    plan = _plan(context)
    return plan.due is not None and plan.due <= time.time() + STAY_SECONDS


def _plan(context: Context) -> Plan:
    paths = context.paths
    now = time.time()
    return schedule.plan(
        outbox.waiting(paths),
        functools.cache(functools.partial(_rules, context.settings)),
        now=now,
        last_upload=schedule.last_upload(Receipts(paths), now=now),
        not_before=_not_before(context),
    )


def _rules(values: Settings, directory: Path | None) -> repository.RepositoryRules:
    rules = repository.rules(directory, values)
    for line in rules.ignored:
        logger.warning("%s", line)
    return rules


def _not_before(context: Context) -> float:
    """The backoff of the preferred destination."""
    target = select.preferred(context)
    if target is None:
        return 0.0
    config_hash = backoff.config_hash(context.settings, context.environ)
    return backoff.due(context.paths, target, config_hash)


def _no_destination(context: Context) -> AkoshaHookError | None:
    """Why nothing can be uploaded anywhere, or may not be: then no waiting helps."""
    try:
        chain = select.destinations(context.settings)
    except SettingsError as error:
        return error
    decision = pinning.look(context, pinning.parts_of(chain))
    return decision.error() if decision.action == "hold" else None


def _sync(context: Context) -> None:
    """One sync under the sync lock."""
    _settle(context)
    with Lock(context.paths.sync_lock).waiting():
        # Whoever held the lock may have dealt with them.
        events = outbox.waiting(context.paths)
        if not events:
            return
        _wait_for_owner(context, events)
        names = tuple(dict.fromkeys(event.name for event in events))
        logger.info("Sync for %s", ", ".join(names))
        receipts = Receipts(context.paths)
        try:
            outcome = sync.run(sync.Request(triggered_by=names), context, receipts)
        except AkoshaHookError as error:
            finish.defer(error, events, context, receipts)
            return
        finish.finish(outcome, events, context, receipts)
        if outcome.state == "uploaded" and outcome.method == "cloud":
            prune.after_upload(context)


def _settle(context: Context) -> None:
    """Wait until no event has come for `akosha_settle_seconds`, 30 s at most."""
    limit = time.monotonic() + SETTLE_LIMIT_SECONDS
    quiet_since = time.monotonic()
    seen = _names(context.paths.outbox)
    while time.monotonic() - quiet_since < context.settings.akosha_settle_seconds:
        if time.monotonic() >= limit:
            return
        time.sleep(min(0.1, context.settings.akosha_settle_seconds))
        now = _names(context.paths.outbox)
        if now != seen:
            seen, quiet_since = now, time.monotonic()


def _wait_for_owner(context: Context, events: tuple[Event, ...]) -> None:
    """Session-Buddy lets go of its databases a moment after the session's end."""
    if not any(event.name == "session-end" for event in events):
        return
    context.progress.phase("owner")
    directory = data_directory(context.settings, context.paths)
    found = find(directory, context.settings.akosha_databases, context.outside_databases)
    owner.wait_until_free([each.path for each in found.databases], seconds=OWNER_SECONDS)


def _sleep_until(due: float, outbox: Path, seen: frozenset[str]) -> None:
    """Sleep until `due`, or until the outbox changes from `seen`: a new event may be due earlier.

    A clock that is set back meanwhile does not make it longer.
    """
    latest = time.monotonic() + due - time.time()
    while (left := min(due - time.time(), latest - time.monotonic())) > 0:
        if _names(outbox) != seen:
            return
        time.sleep(min(POLL_SECONDS, left))


def _names(outbox: Path) -> frozenset[str]:
    """What lies in the outbox; its timestamp may stay the same for two events in a row."""
    try:
        return frozenset(os.listdir(outbox))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return frozenset()


def _log_once(problems: Iterable[str], logged: set[str]) -> None:
    """Log each once: the worker looks at the settings before every sync."""
    for problem in problems:
        if problem not in logged:
            logger.error("%s", problem)
            logged.add(problem)


def _report_unsafe(loaded: Loaded, progress: ProgressFile) -> None:
    """Settings that decide where memories go are invalid: say so, and leave the events waiting."""
    progress.finished(
        SyncResult(
            at=time.time(),
            state="failed",
            method="cloud",
            error=loaded.problems[0],
            hint="akosha-hook config validate shows every problem.",
        )
    )
