"""Our state directory: modes, owner, files set aside, room."""

from __future__ import annotations

import shutil
import stat
from types import SimpleNamespace

import pytest

from akosha_hook.doctor.state import findings, modes
from akosha_hook.paths import Paths
from akosha_hook.util import files
from tests.support.findings import context_of, examine, examined_within_modes, only
from tests.support.home import Home


def test_state_that_others_could_read_is_tightened_and_told(paths: Paths) -> None:
    files.private_directory(paths.receipts)
    loose = paths.receipts / "a.json"
    loose.touch(mode=0o644)
    paths.state.chmod(0o755)
    findings = list(modes(files.tighten(paths.state)))
    assert {each.detail.split(" was ")[1][:4] for each in findings} == {"0644", "0755"}
    assert stat.S_IMODE(loose.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700
    assert not files.tighten(paths.state)


def test_after_install_and_an_upload_there_is_nothing_to_tighten(installed: Home) -> None:
    assert installed.akosha_hook("sync").returncode == 0
    assert not files.tighten(installed.paths.state)


def test_a_file_that_was_set_aside(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    (at_home.paths.state / "backoff.json.corrupt").touch(mode=0o600)
    finding = only(examine(at_home), "State", "corrupt file")
    assert finding.state == "warning"
    assert finding.fix.startswith("rm ")


def test_a_receipt_nobody_can_read(at_home: Home) -> None:
    files.private_directory(at_home.paths.receipts)
    (at_home.paths.receipts / "20260101_000000_laptop.json").write_text("{")
    assert only(examine(at_home), "State", "corrupt file").state == "warning"


def test_a_file_where_the_outbox_should_be(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    at_home.paths.outbox.touch(mode=0o600)
    finding = only(examine(at_home), "State", "directory")
    assert finding.state == "problem"
    assert "outbox has to be a directory" in finding.detail


def test_a_directory_that_cannot_be_written_to_is_a_problem(at_home: Home) -> None:
    files.private_directory(at_home.paths.outbox)
    at_home.paths.outbox.chmod(0o500)
    findings = examined_within_modes(at_home)["findings"]
    (finding,) = (each for each in findings if each["name"] == "directory")
    assert finding["fix"] == f"chmod u+rwx '{at_home.paths.outbox}'"


def test_before_the_first_upload_there_is_no_directory_yet(at_home: Home) -> None:
    at_home.unpin()
    finding = only(examine(at_home), "State", "directory")
    assert finding.state == "ok"
    assert not at_home.paths.state.exists()


@pytest.mark.parametrize(("free", "state"), [(0, "problem"), (10**9, "warning"), (10**15, "ok")])
def test_a_full_disk_is_told_before_a_snapshot_fails(
    at_home: Home, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr("akosha_hook.doctor.state.SPARE_BYTES", 6 * 10**8)
    assert only(list(findings(context_of(at_home))), "State", "disk space").state == state
