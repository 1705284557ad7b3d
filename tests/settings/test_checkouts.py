"""Where a project's files are looked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from akosha_hook.settings.checkouts import around


def git(directory: Path, *words: str) -> None:
    names = ("-c", "user.name=A", "-c", "user.email=a@b")
    subprocess.run(["git", *names, *words], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def main(tmp_path: Path) -> Path:
    directory = tmp_path / "main"
    directory.mkdir()
    git(directory, "init", "-q")
    git(directory, "commit", "-q", "--allow-empty", "-m", "x")
    return directory


def test_everything_above_counts(tmp_path: Path) -> None:
    levels, unclear = around(tmp_path / "a" / "b")
    assert levels == (tmp_path / "a" / "b", *(tmp_path / "a" / "b").parents)
    assert unclear == ()


@pytest.mark.parametrize("below", ["", "src"])
def test_a_linked_worktree_has_a_main_checkout(main: Path, tmp_path: Path, below: str) -> None:
    linked = tmp_path / "elsewhere" / "linked"
    git(main, "worktree", "add", "-q", str(linked))
    levels, unclear = around(linked / below)
    assert main in levels
    assert unclear == ()


def test_a_relative_link_to_the_main_checkout(main: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(main, "worktree", "add", "-q", str(linked))
    (linked / ".git").write_text("gitdir: ../main/.git/worktrees/linked\n")
    assert main in around(linked)[0]


def test_a_git_directory_that_is_a_link(main: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(main / ".git")
    assert main in around(linked)[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"gitdir:",
        b"gitdir: \xff\n",
        b"gitdir: " + b"x" * 20_000,
        b"gitdir: /proc/self/cwd",
    ],
)
def test_a_git_file_that_is_odd_leaves_it_open(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)
    assert len(around(tmp_path)[1]) == 1


def test_a_common_directory_that_differs_from_process_to_process(
    main: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    git(main, "worktree", "add", "-q", str(linked))
    (main / ".git" / "worktrees" / "linked" / "commondir").write_text("/proc/self/cwd/.git\n")
    assert len(around(linked)[1]) == 1
    assert "/proc" in around(linked)[1][0]
