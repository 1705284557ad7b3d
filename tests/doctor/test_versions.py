"""Versions, for a bug report."""

from __future__ import annotations

import platform
from importlib import metadata

import pytest

from akosha_hook.version import __version__
from tests.support.findings import examine, only
from tests.support.home import Home


def test_every_version_that_a_bug_report_needs_is_there(at_home: Home) -> None:
    findings = examine(at_home)
    ours = only(findings, "Versions", "akosha-hook")
    assert ours.detail.startswith(f"{__version__}, Python {platform.python_version()}, ")
    libraries = f"duckdb {metadata.version('duckdb')}, minio {metadata.version('minio')}"
    assert only(findings, "Versions", "libraries").detail.startswith(libraries)
    assert only(findings, "Versions", "git").detail[0].isdigit()


def test_without_git_there_is_no_version_and_no_crash(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    findings = examine(at_home)
    assert only(findings, "Versions", "git").detail == "not found"
    assert only(findings, "Hooks", "git").fix == "install git"
    assert only(findings, "Hooks", "PATH").state == "warning"
