"""Where hooks are installed, refused, or left to the user to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.install.git import GitError
from akosha_hook.install.plan import PlanError
from tests.support.installing import (
    calls,
    commit,
    git,
    hook,
    install_everywhere,
    install_git,
    record_calls,
    tree,
    uninstall,
)

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def test_a_bare_repository_is_refused(paths: Paths, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare")
    with pytest.raises(GitError, match="bare repository"):
        install_git(paths, tmp_path / "bare")
    assert not paths.state.exists()


def test_outside_of_a_repository_git_is_quoted(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        install_git(paths, tmp_path)


@pytest.mark.usefixtures("old_git")
def test_a_place_that_all_repositories_share_needs_the_users_word(
    paths: Paths, repo: Path, home: Path
) -> None:
    shared = home / "githooks"
    shared.mkdir()
    git(repo, "config", "--global", "core.hooksPath", "~/githooks")
    with pytest.raises(PlanError, match="all repositories share") as caught:
        install_git(paths, repo)
    assert "--global" in caught.value.hint
    assert not list(shared.iterdir())
    install_everywhere(paths, repo)
    record_calls(paths)
    commit(repo)
    assert calls(paths) == ["post-commit"]
    uninstall(paths)
    assert not list(shared.iterdir())


@pytest.mark.usefixtures("old_git")
def test_an_old_git_without_a_shared_place_serves_no_repository_but_one(
    paths: Paths, repo: Path
) -> None:
    with pytest.raises(PlanError, match="no hooks for all repositories"):
        install_everywhere(paths, repo)
    assert not (repo / ".git" / "hooks").exists()


def test_a_relative_hooks_path_for_all_is_each_repositorys_own(paths: Paths, repo: Path) -> None:
    git(repo, "config", "--global", "core.hooksPath", ".hooks")
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert calls(paths) == ["post-commit"]


def test_a_failed_install_changes_nothing(paths: Paths, repo: Path) -> None:
    """Here no room to keep the hook that is there."""
    hook(repo, "post-rewrite", "#!/bin/sh\n: theirs\n")
    hook(repo, "post-rewrite.before-akosha-hook", "older")
    before = tree(repo)
    with pytest.raises(PlanError, match="no room"):
        install_git(paths, repo)
    assert tree(repo) == before
