"""Our git hooks run where git looks for hooks, and everybody else's still do."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install.plan import PlanError
from tests.support.installing import (
    calls,
    commit,
    git,
    hook,
    install_git,
    record_calls,
    repository,
    tree,
    uninstall,
)

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


def test_commits_merges_and_rewrites_reach_the_script(paths: Paths, repo: Path) -> None:
    """Every event, with git's own arguments."""
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    git(repo, "checkout", "--quiet", "-b", "other", "HEAD~1")
    commit(repo, "theirs")
    git(repo, "merge", "--quiet", "--no-edit", "main")
    commit(repo, "again", "--amend")
    assert calls(paths) == [
        "post-commit",
        "post-commit",
        "post-merge 0",
        "post-commit",
        "post-rewrite amend",
    ]


def test_a_commit_from_anywhere_leaves_an_event(paths: Paths, repo: Path) -> None:
    """The script as it is shipped, from a directory below and with git's variables set."""
    install_git(paths, repo)
    (repo / "deep").mkdir()
    paths.interpreter.write_text("/bin/true\n")
    commit(repo / "deep")
    [event] = [p for p in paths.outbox.iterdir() if "post-commit" in p.name]
    assert event.read_text().splitlines()[:2] == ["post-commit", str(repo)]


@pytest.mark.parametrize("shebang", ["#!/bin/sh", "#!/usr/bin/env python3", "#!/usr/bin/env bash"])
def test_an_existing_hook_still_runs_with_arguments_and_stdin(
    paths: Paths, repo: Path, shebang: str
) -> None:
    bodies = {
        "python3": "import sys; open('seen', 'w').write(sys.argv[1] + ' ' + sys.stdin.read())",
        "sh": 'printf "%s %s\\n" "$1" "$(cat)" >seen',
    }
    body = bodies["python3" if "python" in shebang else "sh"]
    before = hook(repo, "post-rewrite", f"{shebang}\n{body}\n").read_bytes()
    install_git(paths, repo)
    record_calls(paths)
    old = git(repo, "rev-parse", "HEAD").strip()
    commit(repo, "again", "--amend")
    new = git(repo, "rev-parse", "HEAD").strip()
    assert (repo / "seen").read_text() == f"amend {old} {new}\n"
    assert "post-rewrite amend" in calls(paths)
    uninstall(paths)
    assert (repo / ".git" / "hooks" / "post-rewrite").read_bytes() == before


def test_the_exit_status_of_an_existing_hook_is_kept(paths: Paths, repo: Path) -> None:
    path = hook(repo, "post-commit", "#!/bin/sh\nexit 7\n")
    install_git(paths, repo)
    record_calls(paths)
    assert subprocess.run([path], cwd=repo, check=False).returncode == 7
    assert calls(paths) == ["post-commit"]


def test_a_hook_that_git_ignores_stays_ignored(paths: Paths, repo: Path) -> None:
    """One without the executable bit is not woken up."""
    hook(repo, "post-commit", "#!/bin/sh\ntouch woken\n", 0o644)
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert calls(paths) == ["post-commit"]
    assert not (repo / "woken").exists()


def test_uninstall_leaves_the_repository_as_it_was(paths: Paths, repo: Path) -> None:
    """Scripts, links, modes, a hooks directory that was not there."""
    (repo / "tool.sh").write_text("#!/bin/sh\ntouch linked\n")
    (repo / "tool.sh").chmod(0o755)
    for build in (
        lambda: None,
        lambda: hook(repo, "post-commit", "#!/bin/sh\necho hi\n", 0o700),
        lambda: hook(repo, "post-merge", "not executable", 0o600),
        lambda: (repo / ".git" / "hooks" / "post-rewrite").symlink_to("../../tool.sh"),
    ):
        build()
        before = tree(repo)
        install_git(paths, repo)
        install_git(paths, repo)
        assert tree(repo) != before
        uninstall(paths)
        assert tree(repo) == before
    assert not paths.claude.exists()


def test_a_linked_hook_still_runs_and_its_target_is_not_written(paths: Paths, repo: Path) -> None:
    target = repo / "tool.sh"
    target.write_text("#!/bin/sh\ntouch linked\n")
    target.chmod(0o755)
    (repo / ".git" / "hooks").mkdir()
    (repo / ".git" / "hooks" / "post-commit").symlink_to("../../tool.sh")
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert (repo / "linked").exists()
    assert target.read_text() == "#!/bin/sh\ntouch linked\n"


def test_a_hook_changed_where_we_kept_it_comes_back_changed(paths: Paths, repo: Path) -> None:
    path = hook(repo, "post-commit", "#!/bin/sh\n: old\n")
    install_git(paths, repo)
    kept = path.with_name("post-commit.before-akosha-hook")
    kept.write_text("#!/bin/sh\n: new\n")
    uninstall(paths)
    assert path.read_text() == "#!/bin/sh\n: new\n"
    assert not kept.exists()


def test_lines_added_to_our_hook_stay(paths: Paths, repo: Path) -> None:
    """They run, and uninstall takes only our block."""
    install_git(paths, repo)
    record_calls(paths)
    path = repo / ".git" / "hooks" / "post-commit"
    path.write_text(path.read_text() + "touch added\n")
    commit(repo)
    assert (repo / "added").exists()
    assert calls(paths) == ["post-commit"]
    uninstall(paths)
    assert path.read_text() == "#!/bin/sh\ntouch added\n"


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "bash --posix", "busybox sh", "ksh"])
def test_a_hook_keeps_its_exit_status_in_every_shell(paths: Paths, repo: Path, shell: str) -> None:
    """Lines added to ours, or the hook from before, decide; ours follows them and is silent."""
    program, *options = shell.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    command = [program, *options]
    hook(repo, "post-merge", "#!/bin/sh\nexit 9\n")
    install_git(paths, repo)
    paths.interpreter.write_text("/bin/true\n")
    added = repo / ".git" / "hooks" / "post-commit"
    added.write_text(added.read_text() + "cd /\necho $1\nexit 7\n")
    for path, argument, code, output in (
        (added, "x", 7, b"x\n"),
        (added.with_name("post-merge"), "0", 9, b""),
    ):
        done = subprocess.run(
            [*command, path, argument], cwd=repo, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (code, output, b"")
    events = [path.read_text().splitlines() for path in paths.outbox.iterdir()]
    assert sorted(events) == [["post-commit", str(repo)], ["post-merge", str(repo)]]


def test_an_edited_hook_that_runs_another_is_left_to_its_owner(paths: Paths, repo: Path) -> None:
    path = hook(repo, "post-commit", "#!/bin/sh\n: theirs\n")
    install_git(paths, repo)
    path.write_text(path.read_text() + "touch added\n")
    removal = uninstall(paths)
    assert "was edited" in removal.left[0].message
    assert path.with_name("post-commit.before-akosha-hook").exists()


def test_nothing_is_said_when_the_script_is_gone(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    shutil.rmtree(paths.claude)
    for event in ("post-commit", "post-merge", "post-rewrite"):
        done = subprocess.run(
            [repo / ".git" / "hooks" / event], cwd=repo, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_worktrees_share_the_repositorys_hooks(paths: Paths, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    install_git(paths, tmp_path / "linked")
    record_calls(paths)
    commit(repo)
    commit(tmp_path / "linked")
    assert calls(paths) == ["post-commit"] * 2
    assert (repo / ".git" / "hooks" / "post-commit").exists()


def test_a_submodule_has_hooks_of_its_own(paths: Paths, repo: Path, tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner")
    allow = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow"}
    git(
        repo,
        *("submodule", "--quiet", "add", str(inner), "sub"),
        env={**allow, "GIT_CONFIG_VALUE_0": "always"},
    )
    install_git(paths, repo / "sub")
    record_calls(paths)
    commit(repo / "sub")
    commit(repo)
    assert calls(paths) == ["post-commit"]


@pytest.mark.parametrize("where", ["local", "worktree"])
def test_a_hooks_path_of_the_repository_is_followed(paths: Paths, repo: Path, where: str) -> None:
    """Files there may be committed, so they name no home, and shell scripts keep their names."""
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", f"--{where}", "core.hooksPath", "tools/hooks")
    theirs = repo / "tools" / "hooks" / "post-commit"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("#!/bin/sh\ntouch theirs\nexit 0\n")
    theirs.chmod(0o755)
    before = tree(repo)
    install_git(paths, repo)
    record_calls(paths)
    commit(repo)
    assert (repo / "theirs").exists()
    assert calls(paths) == ["post-commit"]
    assert not (repo / ".git" / "hooks").exists()
    for path in theirs.parent.iterdir():
        assert str(paths.claude) not in path.read_text()
    assert [path.name for path in sorted(theirs.parent.iterdir())] == [
        "post-commit",
        "post-merge",
        "post-rewrite",
    ]
    (repo / "theirs").unlink()
    uninstall(paths)
    assert {k: v for k, v in tree(repo).items() if not k.startswith(".git/")} == {
        k: v for k, v in before.items() if not k.startswith(".git/")
    }


def test_hooks_that_are_switched_off_are_pointed_out(paths: Paths, repo: Path) -> None:
    git(repo, "config", "core.hooksPath", os.devnull)
    with pytest.raises(PlanError, match="switched off"):
        install_git(paths, repo)
