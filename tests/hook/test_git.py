"""The hook script where git runs it: commits, merges, rebases, worktrees, submodules."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import outbox
from akosha_hook.install import wrapper
from tests.support.hooks import NOTHING, fire, install_script, record_interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

HOOKS = ("post-commit", "post-merge", "post-rewrite")


@dataclass(frozen=True)
class Checkout:
    """A working tree whose hooks are ours; `hooks` is where git looks for them."""

    directory: Path
    paths: Paths

    def git(self, *arguments: str) -> None:
        fired = fire(["git", *arguments], cwd=self.directory, environ=os.environ)
        assert fired.code == 0, fired.stderr

    def commit(self, name: str, *options: str) -> None:
        (self.directory / name).write_text(name)
        self.git("add", name)
        self.git("commit", "-q", "-m", name, *options)

    def events(self) -> list[str]:
        """The names of the events since the last call."""
        waiting = outbox.waiting(self.paths)
        assert {event.directory for event in waiting} <= {self.directory}
        outbox.acknowledge(waiting)
        return sorted(event.name for event in waiting)


def add_hooks(script: Path, hooks: Path) -> None:
    hooks.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        ours = wrapper.hook(wrapper.script_expression(script, shared=False), name)
        (hooks / name).write_bytes(ours.data)
        (hooks / name).chmod(ours.mode)


@pytest.fixture
def repository(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A U Thor")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "author@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text('[protocol "file"]\nallow = always\n')
    record_interpreter(paths, NOTHING)
    checkout = Checkout(tmp_path / "repository", paths)
    checkout.directory.mkdir()
    checkout.git("init", "-q", "-b", "main")
    checkout.commit("first")
    add_hooks(install_script(paths), checkout.directory / ".git" / "hooks")
    return checkout


@pytest.fixture(params=["repository", "worktree", "submodule", "separate git directory"])
def checkout(request: pytest.FixtureRequest, repository: Checkout, tmp_path: Path) -> Checkout:
    """Every kind of working tree: `.git` is a directory, or a file that names one."""
    paths = repository.paths
    if request.param == "worktree":
        repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "worktree"))
        return Checkout(tmp_path / "worktree", paths)
    if request.param == "submodule":
        Checkout(tmp_path, paths).git("init", "-q", "-b", "main", "super")
        outer = Checkout(tmp_path / "super", paths)
        outer.git("submodule", "add", "-q", str(repository.directory), "sub")
        add_hooks(paths.hook_script, outer.directory / ".git" / "modules" / "sub" / "hooks")
        return Checkout(outer.directory / "sub", paths)
    if request.param == "separate git directory":
        repository.git("init", "-q", f"--separate-git-dir={tmp_path / 'elsewhere'}")
    return repository


def diverge(checkout: Checkout) -> None:
    """Three commits on a branch, and one on the branch it came from."""
    checkout.git("checkout", "-q", "-b", "upstream")
    checkout.commit("theirs")
    checkout.git("checkout", "-q", "-b", "topic", "HEAD~1")
    for name in ("one", "two", "three"):
        checkout.commit(name)
    assert checkout.events() == ["post-commit"] * 4


def test_a_commit_is_one_event(checkout: Checkout) -> None:
    checkout.commit("second")
    assert checkout.events() == ["post-commit"]


def test_an_amended_commit_is_one_event(checkout: Checkout) -> None:
    checkout.commit("second", "--amend")
    assert checkout.events() == ["post-commit"]


def test_a_merge_is_one_event(checkout: Checkout) -> None:
    diverge(checkout)
    checkout.git("merge", "-q", "--no-edit", "upstream")
    assert checkout.events() == ["post-merge"]


@pytest.mark.parametrize("backend", ["--merge", "--apply", "--interactive"])
def test_a_rebase_of_many_commits_is_one_event(
    checkout: Checkout, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SEQUENCE_EDITOR", "true")
    diverge(checkout)
    checkout.git("rebase", "-q", backend, "upstream")
    assert checkout.events() == ["post-rewrite"]


def test_a_commit_while_a_rebase_stands_still_waits_for_its_end(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverge(checkout)
    monkeypatch.setenv("GIT_SEQUENCE_EDITOR", "sed -i.before s/^pick/edit/")
    checkout.git("rebase", "-q", "--interactive", "HEAD~1")
    checkout.commit("in between")
    assert checkout.events() == []
    checkout.git("rebase", "--continue")
    assert checkout.events() == ["post-rewrite"]


def test_a_repository_named_on_the_command_line_is_looked_into(
    repository: Checkout, tmp_path: Path
) -> None:
    """As with dotfiles kept in git: nothing in the working tree leads to the repository."""
    diverge(repository)
    (repository.directory / ".git").rename(tmp_path / "dots")
    options = [f"--git-dir={tmp_path / 'dots'}", f"--work-tree={repository.directory}"]
    Checkout(tmp_path, repository.paths).git(*options, "rebase", "-q", "upstream")
    assert repository.events() == ["post-rewrite"]


def test_a_piped_commit_returns_while_the_worker_lives(
    repository: Checkout, tmp_path: Path
) -> None:
    """`git commit | cat` ends when nobody holds the pipe any more."""
    lives, ends = tmp_path / "lives", tmp_path / "ends"
    os.mkfifo(lives)
    os.mkfifo(ends)
    worker = tmp_path / "python"
    worker.write_text(f"#!/bin/sh\necho yes >{lives}\nread line <{ends}\necho $line >{lives}\n")
    worker.chmod(0o755)
    record_interpreter(repository.paths, worker)
    command = "git commit -q --allow-empty -m piped 2>&1 3>&1 | cat"
    done = subprocess.run(
        ["sh", "-c", command], cwd=repository.directory, check=True, capture_output=True
    )
    assert done.stdout == b""
    assert lives.read_text() == "yes\n"
    ends.write_text("now\n")
    assert lives.read_text() == "now\n"


def test_commits_of_one_second_each_leave_an_event(repository: Checkout) -> None:
    code = (
        "import subprocess\n"
        "for n in range(20):\n"
        "    subprocess.run(['git', 'commit', '-q', '--allow-empty', '-m', str(n)], check=True)\n"
    )
    fired = fire([sys.executable, "-c", code], cwd=repository.directory, environ=os.environ)
    assert fired.code == 0
    assert repository.events() == ["post-commit"] * 20
