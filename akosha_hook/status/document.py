"""`status --json`: the keys of the user guide, and ours (docs/json-output.md)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

import msgspec

from akosha_hook.settings.derived import cloud_configured

if TYPE_CHECKING:
    from akosha_hook.install.places import Place
    from akosha_hook.state.held import Held
    from akosha_hook.state.identity import Identity
    from akosha_hook.state.looks import Look
    from akosha_hook.state.pinning import Decision
    from akosha_hook.state.progress_file import State
    from akosha_hook.state.pruning import Pruning
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.status.report import Report
    from akosha_hook.status.trouble import Trouble


def document(report: Report) -> dict[str, Any]:
    """The report as one JSON document; its keys are a promise."""
    verification = msgspec.to_builtins(report.last_verification)
    return {
        **_configuration(report),
        "last_sync": _sync(report.last_success),
        "last_failure": _sync(report.last_failure),
        "last_akosha": _sync(report.last_akosha),
        "last_look": _look(report.last_look),
        "last_verification": verification,
        # Its name in version 0.1.
        "last_drill": verification,
        "last_prune": _prune(report.last_prune),
        "last_check": msgspec.to_builtins(report.worker.last),
        "pending_events": [{"event": each.name, "at": _iso(each.epoch)} for each in report.events],
        "next_try": _iso(report.next_try) if report.next_try else None,
        "worker": _worker(report.worker, report.trouble),
        "hooks": [_hook(place) for place in report.places],
        "problems": list(report.problems),
        "missed": _missed(report.last_success),
        "collapsed": msgspec.to_builtins(report.collapsed),
        "pin": msgspec.to_builtins(report.pin),
        "hold": _hold(report.hold),
        "last_held": _last_held(report.last_held),
        "notes": list(report.notes),
        "new_machine_id": _renewed(report.renewed),
    }


def _renewed(me: Identity | None) -> dict[str, str] | None:
    if me is None:
        return None
    return {"machine_id": me.machine_id, "at": me.renewed, "reason": me.renewed_because}


def _configuration(report: Report) -> dict[str, Any]:
    settings = report.loaded.settings
    cloud = cloud_configured(settings)
    forced = settings.akosha_force_method
    return {
        "cloud_configured": cloud,
        "system_id": report.system_id,
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
    }


def _sync(receipt: Receipt | None) -> dict[str, Any] | None:
    if receipt is None:
        return None
    return {
        "upload_id": receipt.upload_id if receipt.method == "cloud" else None,
        "method": receipt.method,
        "success": receipt.success,
        "state": receipt.state,
        "started": receipt.started,
        "finished": receipt.finished,
        "duration_seconds": receipt.duration_seconds,
        "bytes_transferred": receipt.bytes_transferred,
        "files_uploaded": list(receipt.files_uploaded),
        "files_unchanged": list(receipt.files_unchanged),
        "triggered_by": list(receipt.triggered_by),
        "attempts": len(receipt.attempts),
        "error": receipt.error,
        "hint": receipt.hint,
    }


def _missed(last: Receipt | None) -> list[dict[str, str]]:
    """The databases of which the last upload has only an earlier copy, by choice or not."""
    return [
        {"name": each.name, **msgspec.to_builtins(each.stale)}
        for each in (last.files if last else ())
        if each.stale and each.name == each.database
    ]


def _hold(hold: Decision | None) -> dict[str, Any] | None:
    if hold is None:
        return None
    error = hold.error()
    return {
        "error": error.message,
        "hint": error.hint,
        "changes": [
            {
                "setting": each.setting,
                "confirmed": each.confirmed,
                "now": each.now,
                "origin": each.origin,
            }
            for each in hold.changes
        ],
    }


def _last_held(held: Held | None) -> dict[str, str] | None:
    return None if held is None else {"at": held.at, "error": held.message}


def _look(look: Look | None) -> dict[str, Any] | None:
    if look is None:
        return None
    shown = msgspec.to_builtins(look) | {"at": _iso(look.at)}
    del shown["pending"], shown["databases"]
    return cast("dict[str, Any]", shown)


def _prune(pruning: Pruning | None) -> dict[str, Any] | None:
    return None if pruning is None else msgspec.to_builtins(pruning) | {"at": _iso(pruning.at)}


def _worker(state: State, trouble: Trouble | None) -> dict[str, Any]:
    return {
        "phase": state.phase,
        "pid": state.pid or None,
        "file": state.file,
        "done_bytes": state.done_bytes,
        "total_bytes": state.total_bytes,
        "until": _iso(state.until) if state.phase == "waiting" else None,
        "updated": _iso(state.updated) if state.updated else None,
        "trouble": trouble.kind if trouble else None,
        "fix": trouble.fix if trouble else "",
    }


def _hook(place: Place) -> dict[str, str]:
    return {
        "kind": place.kind,
        "path": str(place.path),
        "state": place.state,
        "detail": place.detail,
        "fix": place.fix,
    }


def _iso(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, dt.UTC).isoformat(timespec="seconds")
