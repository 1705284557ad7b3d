"""What a project's settings put into the environment is recognised, however they hide it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.state import progress_file as watch
from tests.security.test_hostile_repository import commit, git, hostile_env, is_safe, plant
from tests.support.home import Home
from tests.support.waiting import until


@pytest.fixture
def evil(httpserver: HTTPServer) -> str:
    return httpserver.url_for("").rstrip("/")


def environment(clone: Path, evil: str) -> dict[str, str]:
    """What Claude Code starts the hook with; PATH and HOME stay, which a test needs."""
    return hostile_env(clone, evil) | {"CLAUDECODE": "1"}


def padded(text: bytes) -> bytes:
    return b" " * (1 << 20) + text


def with_a_byte(text: bytes) -> bytes:
    return text[:-1] + b', "x": "\xff"}'


def nested(text: bytes) -> bytes:
    return text[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}"


def with_a_lone_surrogate(text: bytes) -> bytes:
    return text[:-1] + b', "x": "\\ud800"}'


@pytest.mark.parametrize("disguise", [padded, with_a_byte, nested, with_a_lone_surrogate])
def test_a_settings_file_that_is_hard_to_read_decides_nothing(
    at_home: Home, clone: Path, httpserver: HTTPServer, evil: str, disguise: object
) -> None:
    assert callable(disguise)
    env = environment(clone, evil)
    (clone / ".claude").mkdir()
    (clone / ".claude" / "settings.json").write_bytes(disguise(json.dumps({"env": env}).encode()))
    assert commit(clone, **env) == (b"", b"")
    at_home.wait_for_worker()
    assert httpserver.log == []
    assert is_safe(at_home)
    dropped = " ".join(watch.read(at_home.paths).dropped)
    assert "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT" in dropped
    assert f"{clone}/.claude/settings.json" in dropped


def test_the_main_checkout_of_a_worktree_decides_nothing(
    at_home: Home, clone: Path, tmp_path: Path, httpserver: HTTPServer, evil: str
) -> None:
    env = environment(clone, evil)
    plant(clone, env)
    commit(clone)
    at_home.wait_for_worker()
    linked = tmp_path / "elsewhere"
    git(clone, "worktree", "add", "-q", str(linked))
    assert not (linked / ".claude").exists()
    (at_home.paths.data / "reflection.duckdb").touch()
    commit(linked, **env)
    at_home.wait_for_worker()
    assert httpserver.log == []
    assert at_home.events() == []
    assert at_home.bucket is not None
    assert {each.destination.bucket for each in at_home.receipts()} == {at_home.bucket.name}


@contextmanager
def claude_code(project: Path, tmp_path: Path) -> Iterator[None]:
    """A process that looks like Claude Code, started in `project` before its `env` was applied."""
    program = tmp_path / "claude"
    program.symlink_to(sys.executable)
    with subprocess.Popen(
        [program, "-I", "-c", "import sys; print(flush=True); sys.stdin.read()"],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")
@pytest.mark.parametrize("file", ["settings.json", "gone"])
def test_a_commit_in_another_repository_takes_nothing_from_the_agents_project(
    at_home: Home,
    clone: Path,
    tmp_path: Path,
    httpserver: HTTPServer,
    evil: str,
    file: str,
) -> None:
    """`git -C` in a session. Even after the project's settings are gone from the disk."""
    project = tmp_path / "project"
    project.mkdir()
    env = environment(project, evil)
    plant(project, env)
    if file == "gone":
        (project / ".claude" / "settings.json").unlink()
    with claude_code(project, tmp_path):
        commit(clone, **env)
        at_home.wait_for_worker()
    assert httpserver.log == []
    assert is_safe(at_home)


@pytest.mark.parametrize("command", ["install", "status", "doctor"])
def test_a_git_that_a_project_names_is_not_run(
    at_home: Home, clone: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether or not Claude Code is known to run us."""
    mark = tmp_path / "it-ran"
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(f"[core]\n\tfsmonitor = {program}\n\thooksPath = {tmp_path}\n")
    monkeypatch.chdir(clone)
    words = (command, "--git") if command == "install" else (command,)
    done = at_home.akosha_hook(
        *words,
        GIT_PYTHON_GIT_EXECUTABLE=str(program),
        GIT_CONFIG_GLOBAL=str(tmp_path / "config"),
        GIT_EXEC_PATH=str(tmp_path),
    )
    assert not mark.exists()
    assert command != "install" or done.returncode == 0, done.stderr
    assert not (tmp_path / "post-commit").exists()


def test_pre_commits_entry_starts_no_python_that_a_project_prepared(
    at_home: Home, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own Python has started with these variables; the worker's must not."""
    mark = tmp_path / "it-ran"
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    worker_only = "import sys\nif 'akosha_hook.worker' in ' '.join(sys.orig_argv):\n"
    (theirs / "sitecustomize.py").write_text(f"{worker_only}    open({str(mark)!r}, 'w')\n")
    monkeypatch.chdir(clone)
    done = at_home.akosha_hook("run", "post-commit", PYTHONPATH=str(theirs), GIT_DIR=".git")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(lambda: not list(at_home.paths.outbox.glob("*.event")), "the event is dealt with")
    at_home.wait_for_worker()
    assert is_safe(at_home)
    assert not mark.exists()


def test_relative_paths_in_the_environment_are_refused(
    at_home: Home, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies there depends on the directory, which may be somebody's clone."""
    monkeypatch.chdir(clone)
    (clone / "theirs").write_text(
        "[default]\naws_access_key_id = theirs\naws_secret_access_key = theirs\n"
    )
    for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        done = at_home.akosha_hook("sync", **{variable: "theirs"})
        assert done.returncode != 0
        assert f"{variable} names theirs, which is another file in each directory" in done.stderr
        assert f"Set {variable} to a full path" in done.stderr
    assert not any(each.success for each in at_home.receipts())
