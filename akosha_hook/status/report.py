"""What `status` shows: everything known here, without asking any server."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from akosha_hook.errors import SettingsError
from akosha_hook.hook import outbox
from akosha_hook.settings.derived import cloud_configured, data_directory
from akosha_hook.state import backoff, identity, receipt
from akosha_hook.state import progress_file as watch
from akosha_hook.state.progress_file import Bytes
from akosha_hook.sync import select as selection
from akosha_hook.util import files
from akosha_hook.util.clock import Epoch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.hook.event import Event
    from akosha_hook.install.places import Place
    from akosha_hook.paths import Paths
    from akosha_hook.settings import Loaded
    from akosha_hook.state.progress_file import Check, State
    from akosha_hook.state.receipt import Receipt, Target

T = TypeVar("T")


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` last came to; `at` is ISO 8601 UTC. Read without what it takes to restore."""

    at: str
    success: bool
    upload_id: str = ""
    error: str | None = None
    hint: str = ""


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker's last pruning came to; `at` is epoch seconds."""

    at: Epoch
    success: bool
    uploads_removed: Bytes = 0
    freed_bytes: Bytes = 0
    error: str | None = None
    hint: str = ""


class Deliveries(NamedTuple):
    """Receipts worth showing.

    `success` is the newest at the preferred destination, or anywhere before there was one there;
    `failure` the newest at the preferred one that no later success has made good; `akosha` the
    newest over HTTP, however it ended.
    """

    success: Receipt | None
    failure: Receipt | None
    akosha: Receipt | None


@dataclass(frozen=True, slots=True)
class Report:
    """The state of things at one moment; `next_try` is epoch seconds, 0 when nothing holds back.

    `corrupt` are files of ours that could not be read and were set aside.
    """

    loaded: Loaded
    system_id: str
    destination: Target | None
    data_directory: Path
    last_success: Receipt | None
    last_failure: Receipt | None
    last_akosha: Receipt | None
    last_drill: Drill | None
    last_prune: Pruning | None
    events: tuple[Event, ...]
    worker: State
    next_try: float
    places: tuple[Place, ...]
    corrupt: tuple[Path, ...]

    @property
    def last_error(self) -> Check | None:
        """Why the last sync failed, where it could not even try and so left no receipt."""
        last = self.worker.last
        if last is None or not last.error:
            return None
        current = self.destination is None or last.method == self.destination.method
        return last if current else None

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that asks for an action, one line each."""
        return (
            *self.loaded.problems,
            *self.loaded.warnings,
            *(
                f"{place.path}: {place.detail}. {place.fix}"
                for place in self.places
                if place.state == "broken"
            ),
            *(f"{path} could not be read and was set aside" for path in self.corrupt),
        )


def report(loaded: Loaded, paths: Paths, environ: Mapping[str, str], directory: Path) -> Report:
    """Gather the report; `directory` is where the user stands, for that repository's hooks."""
    dropped = (each for each in watch.read(paths).dropped if each not in loaded.warnings)
    loaded = dataclasses.replace(loaded, warnings=(*loaded.warnings, *dropped))
    from akosha_hook.install.places import installed_places

    settings = loaded.settings
    system_id = identity.peek(paths, settings)
    destination = _destination(loaded, system_id)
    deliveries = _deliveries(paths, destination)
    next_try = 0.0
    if destination is not None:
        next_try = backoff.due(paths, destination, backoff.circumstances(settings, environ))
    return Report(
        loaded=loaded,
        system_id=system_id,
        destination=destination,
        data_directory=data_directory(settings, paths),
        last_success=deliveries.success,
        last_failure=deliveries.failure,
        last_akosha=deliveries.akosha,
        last_drill=_read(paths.drill, Drill),
        last_prune=_read(paths.prune, Pruning),
        events=outbox.waiting(paths),
        worker=worker_state(paths),
        next_try=next_try if next_try > time.time() else 0.0,
        places=installed_places(paths, environ, directory),
        corrupt=_corrupt(paths),
    )


def _destination(loaded: Loaded, system_id: str) -> Target | None:
    try:
        method = selection.destinations(loaded.settings)[0]
    except SettingsError:
        return None
    return selection.target_of(loaded.settings, method, system_id)


def _deliveries(paths: Paths, preferred: Target | None) -> Deliveries:
    success: Receipt | None = None
    failure: Receipt | None = None
    akosha: Receipt | None = None
    made_good: set[Target] = set()
    for each in receipt.newest_first(paths):
        if each.method == "http" and akosha is None:
            akosha = each
        if each.success:
            made_good.add(each.destination)
            if success is None or (preferred == each.destination != success.destination):
                success = each
        elif each.error and failure is None and each.destination not in made_good:
            # A destination that is not configured any more has nothing to mend.
            failure = each if preferred in {None, each.destination} else None
    return Deliveries(success, failure, akosha)


def _read(path: Path, kind: type[T]) -> T | None:
    """What the file says; None where it is missing, or nothing this version understands."""
    try:
        return msgspec.json.decode(files.read_bounded(path), type=kind)
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return None


def worker_state(paths: Paths) -> State:
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


def _corrupt(paths: Paths) -> tuple[Path, ...]:
    ours = (*paths.state.glob("*.corrupt"), *paths.receipts.glob("*.corrupt"))
    return (*sorted(ours), *outbox.corrupt(paths))


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
        "last_akosha": _sync_json(found.last_akosha),
        "last_drill": msgspec.to_builtins(found.last_drill),
        "last_prune": _pruning_json(found.last_prune),
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
        "notes": list(found.loaded.notes),
    }


def _pruning_json(pruning: Pruning | None) -> dict[str, Any] | None:
    return None if pruning is None else msgspec.to_builtins(pruning) | {"at": _iso(pruning.at)}


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
