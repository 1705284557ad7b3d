"""Repositories, and gits of other versions."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.installing import (
    repository,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def _git_that_says(version: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed git, but for its version."""
    directory.mkdir()
    (directory / "git").write_text(
        f'#!/bin/sh\n[ "$1" != version ] || exec echo "git version {version}"\n'
        f'exec "{shutil.which("git")}" "$@"\n'
    )
    (directory / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _git_that_says("2.39.5", tmp_path / "git-2.39", monkeypatch)


@pytest.fixture
def new_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first version with hooks in its configuration; `run_configured` does what it would."""
    _git_that_says("2.54.0", tmp_path / "git-2.54", monkeypatch)
