from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook import settings
from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from akosha_hook.prune.automatic import Pruning
from akosha_hook.restore import Drill
from akosha_hook.state import receipt
from akosha_hook.state.progress_file import Check, State
from akosha_hook.state.receipt import Receipt, Target
from akosha_hook.status.report import Report, as_json, report
from akosha_hook.util import files
from tests.support.home import Home

CLOUD = Target(method="cloud", endpoint="http://127.0.0.1:1", bucket="memories", system_id="laptop")
AKOSHA = Target(method="http", endpoint="http://localhost:8682", system_id="laptop")


@pytest.fixture
def configured(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket=CLOUD.bucket,
        akosha_cloud_endpoint=CLOUD.endpoint,
        akosha_system_id=CLOUD.system_id,
    )
    return home


def look(paths: Paths) -> Report:
    return report(settings.load(os.environ, paths), paths, os.environ, Path.cwd())


def leave(paths: Paths, second: int, target: Target = CLOUD, error: str | None = None) -> Receipt:
    """A receipt of a delivery at that second of the day."""
    suffix = "_http" if target.method == "http" else ""
    time = f"2026-01-01T00:00:{second:02}.000+00:00"
    paper = Receipt(
        upload_id=f"20260101_0000{second:02}_laptop{suffix}",
        state="failed" if error else "done",
        method=target.method,
        success=error is None,
        system_id="laptop",
        sequence=second,
        started=time,
        finished=time,
        destination=target,
        error=error,
    )
    receipt.save(paths, paper)
    return paper


def test_looking_makes_nothing(paths: Paths) -> None:
    look(paths)
    assert not paths.claude.exists()


def test_a_success_makes_earlier_failures_good(configured: Home) -> None:
    leave(configured.paths, 1, error="no network")
    leave(configured.paths, 2)
    assert look(configured.paths).last_failure is None


def test_a_failure_after_the_last_success_stands(configured: Home) -> None:
    leave(configured.paths, 1)
    leave(configured.paths, 2, error="no network")
    leave(configured.paths, 3, error="still none")
    found = look(configured.paths)
    assert found.last_failure is not None
    assert found.last_failure.error == "still none"
    assert found.last_success is not None


def test_a_success_of_the_fallback_does_not_hide_why_the_cloud_failed(configured: Home) -> None:
    leave(configured.paths, 1)
    leave(configured.paths, 2, error="no network")
    fallback = leave(configured.paths, 3, AKOSHA)
    found = look(configured.paths)
    assert found.last_failure is not None
    assert found.last_failure.error == "no network"
    assert found.last_success is not None
    assert found.last_success.destination == CLOUD
    assert found.last_akosha == fallback


def test_what_failed_where_nothing_goes_any_more_is_no_failure(configured: Home) -> None:
    leave(configured.paths, 1, AKOSHA, error="Akosha HTTP endpoint unreachable")
    found = look(configured.paths)
    assert found.last_failure is None
    assert found.last_akosha is not None


def test_an_error_without_a_receipt_counts_for_the_destination_it_was_meant_for(
    configured: Home,
) -> None:
    files.private_directory(configured.paths.state)
    last = Check(at=1.0, state="failed", method="cloud", error="disk full")
    files.write_json(configured.paths.progress, State(last=last))
    assert look(configured.paths).last_error == last
    configured.configure(akosha_force_method="http")
    assert look(configured.paths).last_error is None


def test_a_worker_that_was_killed_is_idle(configured: Home) -> None:
    files.private_directory(configured.paths.state)
    gone = 2**22 + 1
    files.write_json(configured.paths.progress, State(phase="upload", pid=gone, file="x.duckdb"))
    assert look(configured.paths).worker.phase == "idle"


def test_a_raised_chunk_size_is_a_note(configured: Home) -> None:
    configured.configure(akosha_chunk_size_mb=1)
    notes = as_json(look(configured.paths))["notes"]
    assert any("akosha_chunk_size_mb is 1" in note for note in notes)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 3}'])
def test_a_drill_nobody_can_read_is_none_and_stays_where_it_is(configured: Home, text: str) -> None:
    drill = configured.paths.state / "drill.json"
    files.private_directory(configured.paths.state)
    drill.write_text(text)
    assert look(configured.paths).last_drill is None
    assert drill.read_text() == text


def test_the_last_drill_and_the_last_prune_are_told(configured: Home) -> None:
    paths = configured.paths
    files.private_directory(paths.state)
    files.write_json(
        paths.drill,
        Drill(at="2026-01-01T00:00:00+00:00", success=True, upload_id="x", system_id="laptop"),
    )
    files.write_json(paths.prune, Pruning(at=0.0, success=True, uploads_removed=3))
    document = as_json(look(paths))
    assert document["last_drill"]["upload_id"] == "x"
    assert document["last_prune"]["uploads_removed"] == 3
    assert document["last_prune"]["at"] == "1970-01-01T00:00:00+00:00"


def test_waiting_events_are_all_there(configured: Home) -> None:
    for name in ("post-commit", "session-end"):
        outbox.record(configured.paths, name, None, b"")
    document = as_json(look(configured.paths))
    assert sorted(each["event"] for each in document["pending_events"]) == [
        "post-commit",
        "session-end",
    ]
