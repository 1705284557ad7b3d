"""What git is asked, and what becomes of its answers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install import git
from akosha_hook.install.git import GitError
from tests.support.installing import git as run_git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called git, for a test to write."""
    path = tmp_path / "bin" / "git"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


def test_without_git_on_path_it_says_so(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(GitError, match="git is not on PATH"):
        git.find(repo)


def test_what_git_complains_of_is_quoted_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    with pytest.raises(GitError, match=r"git says: fatal: not a git repository") as caught:
        git.find(tmp_path)
    assert "git init" in caught.value.hint


def test_git_gets_none_of_our_keys(
    repo: Path, fake_git: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git.write_text('#!/bin/sh\necho "[$AWS_SECRET_ACCESS_KEY$AKOSHA_TOKEN$MC_HOST_x$KEPT]"\n')
    for name in ("AWS_SECRET_ACCESS_KEY", "AKOSHA_TOKEN", "MC_HOST_x"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("KEPT", "kept")
    assert git.ask(repo, "x") == "[kept]"
    assert git.ask(repo, "x", environ=os.environ | {"KEPT": "given"}) == "[given]"


def test_a_git_that_does_not_work_is_named(tmp_path: Path, fake_git: Path) -> None:
    """GitPython asks for its version when it is imported, which only a new process does again."""
    fake_git.write_text("#!/bin/sh\nexit 1\n")
    ask = (
        "import pathlib; from akosha_hook.install import git\n"
        "try: git.find(pathlib.Path())\n"
        "except git.GitError as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "git cannot be run: `git version` fails.\n"


def test_a_git_that_takes_too_long_is_given_up(repo: Path, fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\nexec sleep 1000\n")
    with pytest.raises(GitError):
        git.ask(repo, "x", seconds=0.2)


def test_the_version_is_shown_as_git_writes_it(repo: Path, fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\necho git version 2.39.5 '(Apple Git-154)'\n")
    assert git.version_text(repo, os.environ, seconds=30) == "2.39.5 (Apple Git-154)"
    assert git.version(repo) == (2, 39, 5)


def test_the_working_tree_around_a_directory(repo: Path) -> None:
    (repo / "deep").mkdir()
    here = git.working_tree(repo / "deep", os.environ, seconds=30)
    assert here == git.Here(repo / ".git", repo / ".git" / "hooks", repo)


def test_outside_of_repositories_git_is_not_even_started(tmp_path: Path, fake_git: Path) -> None:
    fake_git.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    assert git.working_tree(tmp_path, os.environ, seconds=30) is None
    assert not (tmp_path / "started").exists()


def test_a_directory_that_git_cannot_be_asked_about_has_no_working_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert git.working_tree(tmp_path, os.environ, seconds=30) is None


def test_a_hooks_path_and_its_scope(repo: Path) -> None:
    assert git.find(repo).own_hooks
    run_git(repo, "config", "--global", "core.hooksPath", "/srv/hooks")
    result = git.find(repo)
    assert (result.hooks_path, result.scope, result.own_hooks) == ("/srv/hooks", "global", False)
