"""The process that runs SQLite, as its parent sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.snapshot import Database, sqlite_child, sqlite_process, take
from tests.support.sqlite_writer import make_sqlite


@pytest.fixture
def copy(tmp_path: Path) -> Database:
    (tmp_path / "data").mkdir()
    make_sqlite(tmp_path / "data" / "a b?#%.db")
    [database] = take(tmp_path / "data", ("*",), tmp_path / "frozen").databases
    return database


def child(tmp_path: Path, patch: pytest.MonkeyPatch, program: str) -> None:
    script = tmp_path / "child.py"
    script.write_text(program)
    patch.setattr(sqlite_child, "__file__", str(script))


def test_a_whole_copy_is_found_whole_whatever_its_name(copy: Database) -> None:
    assert sqlite_process.check(copy) == sqlite_process.Found("ok")
    assert not list(copy.file.path.parent.glob(".checking-*"))


def test_a_child_that_dies_says_what_killed_it(
    copy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(tmp_path, monkeypatch, "import os; os.kill(os.getpid(), 11)")
    assert sqlite_process.check(copy).outcome == "damaged"
    child(tmp_path, monkeypatch, "import os; os.kill(os.getpid(), 14)")
    assert sqlite_process.backup(copy.file.path, tmp_path / "target").outcome == "busy"
    child(tmp_path, monkeypatch, "raise SystemExit(3)")
    assert sqlite_process.check(copy).message == "SQLite ended early (exit status 3)"


def test_a_child_that_takes_too_long_is_ended(
    copy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(tmp_path, monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(sqlite_process, "CHECK_SECONDS", 0.1)
    found = sqlite_process.check(copy)
    assert (found.outcome, found.message) == ("busy", "it took longer than 0.1 s")


def test_an_interpreter_that_is_gone_fails_nothing_else(
    copy: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert sqlite_process.check(copy).outcome == "failed"
    assert "could not be checked: SQLite could not be started" in caplog.text


def test_the_child_gets_no_credentials(
    copy: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = tmp_path / "seen.json"
    child(
        tmp_path,
        monkeypatch,
        f"import json, os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))",
    )
    sqlite_process.check(copy)
    assert set(json.loads(seen.read_text())) <= {*sqlite_process.INHERITED, "LC_CTYPE"}


def test_a_child_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    """It would keep its locks; here it waits for a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "source")
    command = [sys.executable, "-I", "-S", str(sqlite_child.__file__), "backup"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "source"), str(tmp_path / "target"), "60"], stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 1
