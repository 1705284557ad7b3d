"""The databases: missing, damaged, busy."""

from __future__ import annotations

import os

import pytest

from akosha_hook.doctor import databases
from akosha_hook.doctor.finding import Finding
from akosha_hook.errors import ExitCode
from akosha_hook.state.receipts import Receipts
from akosha_hook.util import files
from akosha_hook.util.clock import minute
from tests.support import sqlite_files
from tests.support.findings import context_of, examine, examined_within_modes, only
from tests.support.home import Home
from tests.support.recovery import upload
from tests.support.writer import Writer


@pytest.mark.parametrize("content", [b"not a database at all", b""])
def test_a_database_that_is_none(at_home: Home, content: bytes) -> None:
    (at_home.paths.data / "reflection.duckdb").write_bytes(content)
    findings = [each for each in examine(at_home) if each.name == "reflection.duckdb"]
    assert findings[-1].state == "problem"
    # Nothing was ever stored, so there is nothing to bring back.
    assert "akosha-hook restore" not in findings[-1].fix
    assert "leave it out with akosha_databases" in findings[-1].fix


def test_a_damaged_database_that_was_stored_is_to_be_restored_alone(at_home: Home) -> None:
    upload(at_home.paths)
    (receipt,) = Receipts(at_home.paths).newest_first()
    (at_home.paths.data / "reflection.duckdb").write_bytes(b"")
    found = [each for each in databases.findings(context_of(at_home)) if each.state == "problem"]
    assert [each.fix for each in found] == [
        (
            "akosha-hook restore --file reflection.duckdb brings back its last good copy, "
            f"as of {minute(receipt.started)}"
        )
    ]


def test_no_database(at_home: Home) -> None:
    for each in at_home.paths.data.iterdir():
        each.unlink()
    finding = only(examine(at_home), "Databases", "files")
    assert finding.state == "problem"
    assert finding.exit_code == ExitCode.SETTINGS
    assert "akosha_data_dir" in finding.fix


def test_copies_of_a_run_that_was_killed_are_removed(at_home: Home) -> None:
    files.private_directory(at_home.paths.state)
    old, running = (at_home.paths.state / name for name in (".doctor-old", ".doctor-running"))
    for each in (old, running):
        each.mkdir(mode=0o700)
    os.utime(old, (0, 0))
    examine(at_home)
    assert not old.exists()
    assert running.exists()


def test_a_database_that_others_may_not_read_is_a_problem_of_permissions(at_home: Home) -> None:
    (at_home.paths.data / "reflection.duckdb").chmod(0)
    result = examined_within_modes(at_home)
    finding = [each for each in result["findings"] if each["name"] == "reflection.duckdb"][-1]
    assert finding["state"] == "problem"
    assert result["exit_code"] == ExitCode.CREDENTIALS


def test_who_has_a_database_open_is_told(at_home: Home) -> None:
    path = at_home.paths.data / "reflection.duckdb"
    assert "not open in any process" in first(at_home, path.name).detail
    with Writer(path) as writer:
        assert f"open in process {writer.pid}" in first(at_home, path.name).detail


def test_a_sqlite_database_is_read_by_sqlite(at_home: Home) -> None:
    path = sqlite_files.make_with_wal(at_home.paths.data / "activity.db", rows=1234)
    found = [each for each in databases.findings(context_of(at_home)) if each.name == path.name]
    assert [each.state for each in found] == ["ok", "ok"]
    assert found[0].detail.endswith(" MB in its -wal")
    assert "it has 1,234 rows" in found[1].detail


def first(home: Home, name: str) -> Finding:
    """What is told of the live file, before its copy is looked into."""
    return next(each for each in databases.findings(context_of(home)) if each.name == name)


def test_a_database_outside_the_data_directory_is_looked_into(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = at_home.paths.claude / "main.duckdb"
    (at_home.paths.data / "reflection.duckdb").rename(outside)
    monkeypatch.setenv("SESSION_BUDDY_DATABASE_PATH", str(outside))
    findings = [
        each for each in databases.findings(context_of(at_home)) if each.name == outside.name
    ]
    assert [each.state for each in findings] == ["ok", "ok"]


@pytest.mark.parametrize("content", [b"", b"random bytes"])
def test_what_is_only_called_a_database_is_no_problem(at_home: Home, content: bytes) -> None:
    (at_home.paths.data / "sealed.db").write_bytes(content)
    finding = [each for each in examine(at_home) if each.name == "sealed.db"][-1]
    assert finding.state == "warning"
    assert finding.detail.endswith("it is not backed up")
