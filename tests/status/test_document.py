"""`status --json`: its keys are a promise."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from akosha_hook import settings as layers
from akosha_hook.hook import outbox
from akosha_hook.state import identity, looks
from akosha_hook.state.looks import Look
from akosha_hook.state.pruning import Pruning
from akosha_hook.state.verification import Verification
from akosha_hook.status.document import document
from akosha_hook.util import files
from tests.support.home import Home
from tests.support.reports import CLOUD, leave_receipt, report_now


def test_a_raised_chunk_size_is_a_note(configured: Home) -> None:
    configured.configure(akosha_chunk_size_mb=1)
    notes = document(report_now(configured.paths))["notes"]
    assert any("akosha_chunk_size_mb is 1" in note for note in notes)


def test_the_last_verification_and_the_last_prune_are_told(configured: Home) -> None:
    paths = configured.paths
    files.private_directory(paths.state)
    files.write_json(
        paths.verification,
        Verification(
            at="2026-01-01T00:00:00+00:00", success=True, upload_id="x", system_id="laptop"
        ),
    )
    files.write_json(paths.prune, Pruning(at=0.0, success=True, uploads_removed=3))
    status = document(report_now(paths))
    assert status["last_verification"]["upload_id"] == "x"
    assert status["last_prune"]["uploads_removed"] == 3
    assert status["last_prune"]["at"] == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize(("days", "told"), [(0, True), (13, True), (15, False)])
def test_a_new_machine_id_is_told_for_two_weeks(configured: Home, days: int, told: bool) -> None:
    paths = configured.paths
    settings = layers.load({}, paths).settings
    me = identity.renew(paths, identity.load(paths, settings), identity.COPIED)
    when = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()
    files.write_json(paths.machine, msgspec.structs.replace(me, renewed=when))
    status = document(report_now(paths))
    expected = {"machine_id": me.machine_id, "at": when, "reason": identity.COPIED}
    assert status["new_machine_id"] == (expected if told else None)
    assert (identity.renewal(me) in status["notes"]) is told


def test_the_last_verification_has_its_name_of_version_0_1_too(configured: Home) -> None:
    before = document(report_now(configured.paths))
    assert before["last_drill"] is before["last_verification"] is None
    files.private_directory(configured.paths.state)
    files.write_json(
        configured.paths.verification,
        Verification(
            at="2026-01-01T00:00:00+00:00", success=True, upload_id="x", system_id="laptop"
        ),
    )
    after = document(report_now(configured.paths))
    assert after["last_drill"]["upload_id"] == "x"
    assert after["last_drill"] == after["last_verification"]


def test_waiting_events_are_all_there(configured: Home) -> None:
    for name in ("post-commit", "session-end"):
        outbox.record(configured.paths, name, None, b"")
    status = document(report_now(configured.paths))
    assert sorted(each["event"] for each in status["pending_events"]) == [
        "post-commit",
        "session-end",
    ]


def test_the_keys_of_version_0_1_are_all_there(configured: Home) -> None:
    leave_receipt(configured.paths, 1)
    status = document(report_now(configured.paths))
    assert status.keys() >= {
        "cloud_configured",
        "system_id",
        "should_use_cloud",
        "should_use_http",
        "force_method",
        "enable_fallback",
        "upload_on_session_end",
        "configuration",
        "last_sync",
        "last_failure",
        "last_akosha",
        "last_drill",
        "last_prune",
        "last_check",
        "pending_events",
        "next_try",
        "worker",
        "hooks",
        "problems",
        "notes",
    }
    assert status["last_sync"].keys() == {
        "upload_id",
        "method",
        "success",
        "state",
        "started",
        "finished",
        "duration_seconds",
        "bytes_transferred",
        "files_uploaded",
        "files_unchanged",
        "triggered_by",
        "attempts",
        "error",
        "hint",
    }


def test_the_last_look_is_told(configured: Home) -> None:
    assert document(report_now(configured.paths))["last_look"] is None
    looks.remember(configured.paths, CLOUD, Look(at=0.0, upload_id="x", objects=3, lost=("k",)))
    assert document(report_now(configured.paths))["last_look"] == {
        "at": "1970-01-01T00:00:00+00:00",
        "upload_id": "x",
        "objects": 3,
        "lost": ("k",),
        "verified": True,
        "error": None,
        "hint": "",
    }
