"""Our hooks in git's configuration, and the configuration as it was after uninstall."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install.places import installed_places
from tests.support.installing import (
    calls,
    git,
    install_everywhere,
    install_git,
    record_calls,
    tree,
    uninstall,
)

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def run_configured(directory: Path, event: str, *arguments: str) -> None:
    """Run the hooks that the configuration has for an event, through a shell, as git 2.54 does."""
    listed = git(directory, "config", "--get-regexp", r"^hook\..*\.event$").splitlines()
    for line in listed:
        key, value = line.split()
        if value == event:
            command = git(directory, "config", key.removesuffix("event") + "command").rstrip("\n")
            subprocess.run(
                ["sh", "-c", f'{command} "$@"', command, *arguments], cwd=directory, check=True
            )


@pytest.mark.usefixtures("new_git")
def test_a_new_git_gets_hooks_in_its_configuration_where_files_would_be_everybodys(
    paths: Paths, repo: Path, home: Path
) -> None:
    """The repository's own configuration, and it comes back as it was."""
    git(repo, "config", "--global", "core.hooksPath", str(home / "githooks"))
    before = tree(repo)
    install_git(paths, repo)
    install_git(paths, repo)
    record_calls(paths)
    run_configured(repo, "post-rewrite", "rebase")
    assert calls(paths) == ["post-rewrite rebase"]
    assert not (home / "githooks").exists()
    git(repo, "config", "user.name", "Ada")
    uninstall(paths)
    git(repo, "config", "--remove-section", "user")
    assert tree(repo) == before


@pytest.mark.usefixtures("new_git")
def test_a_new_git_serves_all_repositories_from_the_users_configuration(
    paths: Paths, repo: Path, home: Path, tmp_path: Path
) -> None:
    (home / "dotfiles").write_text("[user]\n    name = Ada ; the first\n")
    (home / ".gitconfig").symlink_to(home / "dotfiles")
    install_everywhere(paths, tmp_path)
    record_calls(paths)
    run_configured(repo, "post-commit")
    assert calls(paths) == ["post-commit"]
    assert [place.kind for place in installed_places(paths, os.environ, repo)] == ["git-global"]
    shutil.rmtree(paths.bin)
    run_configured(repo, "post-commit")
    uninstall(paths)
    assert (home / ".gitconfig").is_symlink()
    assert (home / "dotfiles").read_text() == "[user]\n    name = Ada ; the first\n"
