"""What `status` finds in receipts and state files."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from akosha_hook.state.progress_file import State, SyncResult
from akosha_hook.util import files
from tests.support.home import Home
from tests.support.reports import AKOSHA, CLOUD, leave_receipt, report_now


def test_looking_makes_nothing(paths: Paths) -> None:
    report_now(paths)
    assert not paths.claude.exists()


def test_a_success_makes_earlier_failures_good(configured: Home) -> None:
    leave_receipt(configured.paths, 1, error="no network")
    leave_receipt(configured.paths, 2)
    assert report_now(configured.paths).last_failure is None


def test_a_failure_after_the_last_success_stands(configured: Home) -> None:
    leave_receipt(configured.paths, 1)
    leave_receipt(configured.paths, 2, error="no network")
    leave_receipt(configured.paths, 3, error="still none")
    report = report_now(configured.paths)
    assert report.last_failure is not None
    assert report.last_failure.error == "still none"
    assert report.last_success is not None


def test_a_success_of_the_fallback_does_not_hide_why_the_cloud_failed(configured: Home) -> None:
    leave_receipt(configured.paths, 1)
    leave_receipt(configured.paths, 2, error="no network")
    fallback = leave_receipt(configured.paths, 3, AKOSHA)
    report = report_now(configured.paths)
    assert report.last_failure is not None
    assert report.last_failure.error == "no network"
    assert report.last_success is not None
    assert report.last_success.destination == CLOUD
    assert report.last_akosha == fallback


def test_what_failed_where_nothing_goes_any_more_is_no_failure(configured: Home) -> None:
    leave_receipt(configured.paths, 1, AKOSHA, error="Akosha HTTP endpoint unreachable")
    report = report_now(configured.paths)
    assert report.last_failure is None
    assert report.last_akosha is not None


def test_a_worker_that_was_killed_is_idle(configured: Home) -> None:
    files.private_directory(configured.paths.state)
    gone = 2**22 + 1
    files.write_json(configured.paths.progress, State(phase="upload", pid=gone, file="x.duckdb"))
    assert report_now(configured.paths).worker.phase == "idle"


def test_variables_that_the_last_worker_ignored_are_warnings_once(configured: Home) -> None:
    files.private_directory(configured.paths.state)
    files.write_json(configured.paths.progress, State(dropped=("AWS_PROFILE is a project's",)))
    warnings = report_now(configured.paths).loaded.warnings
    assert warnings.count("AWS_PROFILE is a project's") == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 3}'])
def test_a_verification_nobody_can_read_is_none_and_stays_where_it_is(
    configured: Home, text: str
) -> None:
    path = configured.paths.state / "drill.json"
    files.private_directory(configured.paths.state)
    path.write_text(text)
    assert report_now(configured.paths).last_verification is None
    assert path.read_text() == text


def test_an_error_without_a_receipt_counts_for_the_destination_it_was_meant_for(
    configured: Home,
) -> None:
    files.private_directory(configured.paths.state)
    last = SyncResult(at=1.0, state="failed", method="cloud", error="disk full")
    files.write_json(configured.paths.progress, State(last=last))
    assert report_now(configured.paths).last_error == last
    configured.configure(akosha_force_method="http")
    assert report_now(configured.paths).last_error is None
