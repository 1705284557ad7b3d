"""A verification proves that an upload can be restored, and its verdict is remembered."""

from __future__ import annotations

from akosha_hook.errors import ExitCode
from akosha_hook.restore import RestoreRequest, damaged_newest, verify
from akosha_hook.state import verification
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    put,
    upload,
)


def test_verify_remembers_its_verdict(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    assert verification.last(at_home.paths) is None
    before = contents(at_home.paths.data)
    result = at_home.akosha_hook("verify")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{newest} can be restored: ")
    verdict = verification.last(at_home.paths)
    assert verdict is not None
    assert (verdict.success, verdict.upload_id, verdict.files) == (True, newest, 2)
    put(at_home.bucket, f"systems/laptop/uploads/{newest}/reflection.duckdb", b"short")
    assert at_home.akosha_hook("restore", newest, "--verify-only").returncode == 6
    verdict = verification.last(at_home.paths)
    assert verdict is not None
    assert verdict.success is False
    assert "has 5 bytes" in (verdict.error or "")
    assert contents(at_home.paths.data) == before
    assert not list(at_home.paths.state.glob(".akosha-restore-*"))


def test_a_server_out_of_reach_is_no_verdict(at_home: Home) -> None:
    newest = upload(at_home.paths)
    at_home.akosha_hook("verify")
    gone = "http://127.0.0.1:1"
    at_home.configure(akosha_cloud_endpoint=gone)
    result = at_home.akosha_hook("verify")
    assert result.returncode == 5
    verdict = verification.last(at_home.paths)
    assert verdict is not None
    assert (verdict.success, verdict.upload_id) == (True, newest)


def test_a_damaged_newest_upload_is_a_failure_though_an_older_one_verifies(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    second = upload(at_home.paths, full=True)
    lost = f"systems/laptop/uploads/{second}/reflection.duckdb"
    at_home.bucket.client.remove_object(at_home.bucket.name, lost)
    result = verify(RestoreRequest(), context(at_home.paths))
    assert result.plan.upload.upload_id == first
    failure = damaged_newest(result.plan)
    assert failure is not None
    assert failure.exit_code == ExitCode.DAMAGED
    verdict = verification.last(at_home.paths)
    assert verdict is not None
    assert (verdict.success, verdict.upload_id) == (False, second)
    assert f"{second}, the newest upload, cannot be restored: {lost} is not" in str(verdict.error)
    assert f"{first}, which is older, can." in str(verdict.error)
    # Asked for by its id, the older one is what counts.
    assert damaged_newest(verify(RestoreRequest(first), context(at_home.paths)).plan) is None
    verdict = verification.last(at_home.paths)
    assert verdict is not None
    assert (verdict.success, verdict.upload_id) == (True, first)


def test_what_somebody_put_beside_our_uploads_makes_none_of_them_fail(at_home: Home) -> None:
    """It is said, all the same."""
    assert at_home.bucket is not None
    ours = upload(at_home.paths)
    put(at_home.bucket, "systems/laptop/uploads/29990101_000000_laptop_ffffff/manifest.json", b"{")
    result = verify(RestoreRequest(), context(at_home.paths))
    assert result.plan.upload.upload_id == ours
    assert "29990101_000000_laptop_ffffff is newer and was passed over" in result.notes[0]
    assert damaged_newest(result.plan) is None
