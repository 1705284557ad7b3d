"""What would keep git from running our hooks is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from akosha_hook.install.places import installed_places
from akosha_hook.paths import Paths
from tests.support.installing import git, install_git, places

if TYPE_CHECKING:
    from pathlib import Path


def test_an_overwritten_hook_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    (repo / ".git" / "hooks" / "post-merge").write_text("#!/bin/sh\nsomething else\n")
    place = places(paths, repo)["git"]
    assert (place.state, place.detail) == (
        "broken",
        "removed, or overwritten by something else: post-merge",
    )
    assert place.fix == "akosha-hook install --git"


def test_a_hook_without_the_executable_bit_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    (repo / ".git" / "hooks" / "post-commit").chmod(0o644)
    assert "post-commit" in places(paths, repo)["git"].detail


def test_a_hooks_path_that_was_moved_since_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    git(repo, "config", "core.hooksPath", "elsewhere")
    place = places(paths, repo)["git"]
    assert place.state == "broken"
    assert place.detail == f"git runs hooks from {repo / 'elsewhere'} now"


def test_a_deleted_repository_is_no_place(paths: Paths, repo: Path, tmp_path: Path) -> None:
    install_git(paths, repo)
    repo.rename(tmp_path / "moved")
    assert installed_places(paths, os.environ, tmp_path) == ()
