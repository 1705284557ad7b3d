"""What `doctor` says of sets of files."""

from __future__ import annotations

import os

import pytest

from akosha_hook.doctor.sets import findings
from tests.support.findings import context_of
from tests.support.home import Home
from tests.support.sets import session_files


def test_a_set_with_its_files(at_home: Home) -> None:
    session_files(at_home.paths.data)
    (finding,) = findings(context_of(at_home))
    assert (finding.name, finding.state) == ("session-files", "ok")
    assert finding.detail.startswith("2 files, 0.0 MB in ")


def test_a_set_without_files_is_all_right(at_home: Home) -> None:
    (finding,) = findings(context_of(at_home))
    assert (finding.state, finding.detail[:8]) == ("ok", "0 files,")


def test_what_is_not_backed_up_is_named(at_home: Home) -> None:
    session_files(at_home.paths.data)
    (at_home.paths.data / "sessions/root").symlink_to("/")
    (finding,) = findings(context_of(at_home))
    assert finding.state == "warning"
    assert "sessions/root is not backed up: it is a symbolic link" in finding.detail


def test_a_file_that_you_may_not_read_is_named(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_files(at_home.paths.data)
    denied = at_home.paths.data / "handoffs/secret.md"
    denied.parent.mkdir(exist_ok=True)
    denied.touch()
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **how: path != denied and may(path, mode))
    (finding,) = findings(context_of(at_home))
    assert finding.state == "warning"
    assert finding.detail.startswith("2 files, ")
    assert "handoffs/secret.md is not backed up: permission denied" in finding.detail
    assert "chmod" in finding.fix


def test_only_what_is_included_is_looked_at(at_home: Home) -> None:
    at_home.configure(akosha_include=[])
    assert list(findings(context_of(at_home))) == []
