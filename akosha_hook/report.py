"""What `status` shows: everything known here, without asking any server."""

from __future__ import annotations

import datetime as dt
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from akosha_hook import backoff, identity, outbox, receipt, selection, watch
from akosha_hook.errors import SettingsError
from akosha_hook.settings.derived import cloud_configured, data_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.event import Event
    from akosha_hook.install.places import Place
    from akosha_hook.paths import Paths
    from akosha_hook.receipt import Receipt, Target
    from akosha_hook.settings import Loaded
    from akosha_hook.watch import State


@dataclass(frozen=True, slots=True)
class Report:
    """The state of things at one moment; `next_try` is epoch seconds, 0 when nothing holds back."""

    loaded: Loaded
    system_id: str
    destination: Target | None
    data_directory: Path
    last_success: Receipt | None
    last_failure: Receipt | None
    events: tuple[Event, ...]
    worker: State
    next_try: float
    places: tuple[Place, ...]
    problems: tuple[str, ...]


def report(loaded: Loaded, paths: Paths, environ: Mapping[str, str], directory: Path) -> Report:
    """Gather the report; `directory` is where the user stands, for that repository's hooks."""
    from akosha_hook.install.places import installed_places

    settings = loaded.settings
    system_id = identity.peek(paths, settings)
    destination = _destination(loaded, system_id)
    success, failure = _last(paths, destination)
    next_try = 0.0
    if destination is not None:
        next_try = backoff.due(paths, destination, backoff.circumstances(settings, environ))
    places = installed_places(paths, environ, directory)
    return Report(
        loaded=loaded,
        system_id=system_id,
        destination=destination,
        data_directory=data_directory(settings, paths),
        last_success=success,
        last_failure=failure,
        events=outbox.waiting(paths),
        worker=_worker(paths),
        next_try=next_try if next_try > time.time() else 0.0,
        places=places,
        problems=_problems(loaded, paths, places),
    )


def _destination(loaded: Loaded, system_id: str) -> Target | None:
    try:
        method = selection.destinations(loaded.settings)[0]
    except SettingsError:
        return None
    return selection.target_of(loaded.settings, method, system_id)


def _last(paths: Paths, destination: Target | None) -> tuple[Receipt | None, Receipt | None]:
    """The newest success and the newest failure after it, any destination; the preferred first."""
    success: Receipt | None = None
    failure: Receipt | None = None
    for each in receipt.newest_first(paths):
        if each.success and (success is None or _better(each, success, destination)):
            success = each
        if success is None and failure is None and each.error:
            failure = each
        if success is not None and success.destination == destination:
            break
    return success, failure


def _better(new: Receipt, old: Receipt, destination: Target | None) -> bool:
    return new.destination == destination and old.destination != destination


def _worker(paths: Paths) -> State:
    """The worker's last word; one that is gone is idle, whatever it said."""
    state = watch.read(paths)
    if state.phase != "idle" and not _alive(state.pid):
        return watch.State(last=state.last)
    return state


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _problems(loaded: Loaded, paths: Paths, places: tuple[Place, ...]) -> tuple[str, ...]:
    aside = [*paths.state.glob("*.corrupt"), *paths.receipts.glob("*.corrupt")]
    return (
        *loaded.problems,
        *loaded.warnings,
        *(
            f"{place.path}: {place.detail}. {place.fix}"
            for place in places
            if place.state == "broken"
        ),
        *(f"{path} could not be read and was set aside" for path in aside),
        *(f"{path} is no event and was set aside" for path in outbox.corrupt(paths)),
    )


def as_json(found: Report) -> dict[str, Any]:
    """`status --json`: the guide's keys and ours (docs/json-output.md)."""
    settings = found.loaded.settings
    cloud = cloud_configured(settings)
    forced = settings.akosha_force_method
    return {
        "cloud_configured": cloud,
        "system_id": found.system_id,
        "should_use_cloud": cloud and forced in {"auto", "cloud"},
        "should_use_http": forced == "http"
        or (forced == "auto" and settings.akosha_enable_fallback),
        "force_method": forced,
        "enable_fallback": settings.akosha_enable_fallback,
        "upload_on_session_end": settings.akosha_upload_on_session_end,
        "configuration": {
            name.removeprefix("akosha_"): value
            for name, value in msgspec.to_builtins(settings).items()
        },
        "last_sync": _sync_json(found.last_success),
        "last_failure": _sync_json(found.last_failure),
        "last_check": msgspec.to_builtins(found.worker.last),
        "pending_events": [{"event": each.name, "at": _iso(each.epoch)} for each in found.events],
        "next_try": _iso(found.next_try) if found.next_try else None,
        "worker": {
            "phase": found.worker.phase,
            "pid": found.worker.pid or None,
            "file": found.worker.file,
            "done_bytes": found.worker.done_bytes,
            "total_bytes": found.worker.total_bytes,
            "until": _iso(found.worker.until) if found.worker.phase == "waiting" else None,
        },
        "hooks": [
            {
                "kind": place.kind,
                "path": str(place.path),
                "state": place.state,
                "detail": place.detail,
                "fix": place.fix,
            }
            for place in found.places
        ],
        "problems": list(found.problems),
    }


def _sync_json(paper: Receipt | None) -> dict[str, Any] | None:
    if paper is None:
        return None
    return {
        "upload_id": paper.upload_id if paper.method == "cloud" else None,
        "method": paper.method,
        "success": paper.success,
        "state": paper.state,
        "started": paper.started,
        "finished": paper.finished,
        "duration_seconds": paper.duration_seconds,
        "bytes_transferred": paper.bytes_transferred,
        "files_uploaded": list(paper.files_uploaded),
        "files_unchanged": list(paper.files_unchanged),
        "triggered_by": list(paper.triggered_by),
        "attempts": len(paper.attempts),
        "error": paper.error,
        "hint": paper.hint,
    }


def _iso(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, dt.UTC).isoformat(timespec="seconds")
