"""Gathering the report from settings, receipts and state files."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.errors import SettingsError
from akosha_hook.hook import outbox
from akosha_hook.settings.derived import data_directory
from akosha_hook.state import (
    backoff,
    collapsed,
    held,
    identity,
    looks,
    pin,
    pinning,
    progress_file,
    pruning,
    tampering,
    verification,
)
from akosha_hook.state.receipts import Receipts
from akosha_hook.status.report import Report
from akosha_hook.status.trouble import trouble
from akosha_hook.sync import select
from akosha_hook.util import clock, processes

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.paths import Paths
    from akosha_hook.settings import Loaded
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.progress_file import State
    from akosha_hook.state.receipt import Receipt, Target
    from akosha_hook.state.tampering import Tampering

NEWS_SECONDS = 14 * 86_400


class Deliveries(NamedTuple):
    """The receipts worth showing, as `Report` describes them."""

    success: Receipt | None
    failure: Receipt | None
    akosha: Receipt | None


def gather(context: Context, directory: Path) -> Report:
    """The report now; the hooks of the repository that contains `directory` are included."""
    from akosha_hook.install.places import installed_places

    paths, environ, settings = context.paths, context.environ, context.settings
    me = identity.look(paths, settings)
    destination = select.preferred(context)
    deliveries = _deliveries(paths, destination)
    worker = worker_state(paths)
    next_try = 0.0
    if destination is not None:
        next_try = backoff.due(paths, destination, backoff.config_hash(settings, environ))
    report = Report(
        loaded=_with_dropped_variables(context.loaded, paths),
        system_id=me.system_id,
        destination=destination,
        data_directory=data_directory(settings, paths),
        last_success=deliveries.success,
        last_failure=deliveries.failure,
        last_akosha=deliveries.akosha,
        last_look=looks.last(paths, destination) if destination is not None else None,
        last_verification=verification.last(paths),
        last_prune=pruning.last(paths),
        events=outbox.waiting(paths),
        worker=worker,
        next_try=next_try if next_try > time.time() else 0.0,
        places=installed_places(paths, environ, directory),
        corrupt=_corrupt(paths),
        renewed=me if _is_news(me) else None,
        trouble=trouble(worker, timeout_seconds=settings.akosha_upload_timeout_seconds),
        pin=_pin(paths),
        hold=_hold(context),
        last_held=held.last(paths),
        tampering=_tampering(paths, destination),
        collapsed=tuple(collapsed.at(paths, destination).values()) if destination else (),
    )
    return _with_advice(report, context) if report.has_lost_objects else report


def _with_advice(report: Report, context: Context) -> Report:
    from akosha_hook.sync import look

    assert report.last_success is not None
    assert report.last_look is not None
    advice = look.advice(context, report.last_success, report.last_look)
    return dataclasses.replace(report, lost_advice=advice)


def _pin(paths: Paths) -> pin.Pin | None:
    found = pin.look(paths)
    return found if isinstance(found, pin.Pin) else None


def _hold(context: Context) -> pinning.Decision | None:
    """Why the settings lead where no upload goes before the user confirms it, if so."""
    try:
        chain = select.destinations(context.settings)
    except SettingsError:
        return None
    decision = pinning.look(context, pinning.parts_of(chain))
    return decision if decision.action == "hold" else None


def _tampering(paths: Paths, destination: Target | None) -> Tampering | None:
    if destination is None or destination.method != "cloud":
        return None
    where = (destination.endpoint, destination.bucket, destination.system_id)
    return tampering.last(paths, tampering.place(*where))


def _is_news(me: Identity) -> bool:
    """Whether the machine took a new id in the last days."""
    age = time.time() - clock.epoch(me.renewed) if me.renewed else NEWS_SECONDS
    return age < NEWS_SECONDS


def worker_state(paths: Paths) -> State:
    """The worker's state; idle if its process is gone."""
    state = progress_file.read(paths)
    if state.phase != "idle" and processes.find(state.pid, state.process_start) is None:
        return progress_file.State(last=state.last)
    return state


def _with_dropped_variables(loaded: Loaded, paths: Paths) -> Loaded:
    """`loaded` with a warning for each variable that the last worker ignored as a project's."""
    dropped = (each for each in progress_file.read(paths).dropped if each not in loaded.warnings)
    return dataclasses.replace(loaded, warnings=(*loaded.warnings, *dropped))


def _deliveries(paths: Paths, preferred: Target | None) -> Deliveries:
    success: Receipt | None = None
    failure: Receipt | None = None
    akosha: Receipt | None = None
    made_good: set[Target] = set()
    for each in Receipts(paths).newest_first():
        if each.method == "http" and akosha is None:
            akosha = each
        if each.success:
            made_good.add(each.destination)
            if success is None or (preferred == each.destination != success.destination):
                success = each
        elif each.error and failure is None and each.destination not in made_good:
            # Nobody needs to act on a destination that is no longer configured.
            failure = each if preferred in {None, each.destination} else None
    return Deliveries(success, failure, akosha)


def _corrupt(paths: Paths) -> tuple[Path, ...]:
    ours = (*paths.state.glob("*.corrupt"), *paths.receipts.glob("*.corrupt"))
    return (*sorted(ours), *outbox.corrupt(paths))
