"""A verification proves that an upload can be restored, and its verdict is remembered."""

from __future__ import annotations

from akosha_hook.state import verification
from tests.support.home import Home
from tests.support.recovery import (
    contents,
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
