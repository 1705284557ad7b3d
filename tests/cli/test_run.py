"""`akosha-hook run`: the hook script's behaviour, from Python."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import outbox
from akosha_hook.hook.event import MAX_STDIN_BYTES, SESSION_EVENTS
from tests.support.hooks import NOTHING, Fired, fire, pipe, record_interpreter, witness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths

RUN = (sys.executable, "-P", "-m", "akosha_hook", "run")


@pytest.fixture(autouse=True)
def _idle_worker(paths: Paths) -> None:
    record_interpreter(paths, NOTHING)


def run(
    cwd: Path,
    *arguments: str,
    stdin: bytes | int = b"",
    wait: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Fired:
    """Whatever it is given, it exits 0 and says nothing on stderr."""
    fired = fire(
        [*RUN, *arguments],
        cwd=cwd,
        environ=os.environ if environ is None else environ,
        stdin=stdin,
        wait=wait,
    )
    assert (fired.code, fired.stderr) == (0, b"")
    return fired


def names(paths: Paths) -> list[str]:
    return [event.name for event in outbox.waiting(paths)]


@pytest.mark.parametrize("event", ["post-commit", "post-merge", "post-rewrite"])
def test_a_repository_event_is_left_in_silence(paths: Paths, tmp_path: Path, event: str) -> None:
    assert run(tmp_path, event, "rebase").stdout == b""
    (waiting,) = outbox.waiting(paths)
    assert (waiting.name, waiting.directory) == (event, tmp_path)
    assert waiting.path.read_bytes() == b"%s\n%s\n" % (event.encode(), os.fsencode(tmp_path))


def test_a_session_end_carries_its_stdin(paths: Paths, tmp_path: Path) -> None:
    stdin = b'{"reason": "other"}\n' + bytes(range(256))
    run(tmp_path, "session-end", stdin=stdin)
    (waiting,) = outbox.waiting(paths)
    assert waiting.path.read_bytes() == b"session-end\n%s\n" % os.fsencode(tmp_path) + stdin


@pytest.mark.parametrize("event", sorted(SESSION_EVENTS))
@pytest.mark.parametrize("has_home", [True, False])
def test_a_writer_of_ten_megabytes_is_read_to_its_end(
    tmp_path: Path, event: str, *, has_home: bool
) -> None:
    environ = os.environ if has_home else {"PATH": os.environ["PATH"]}
    write = "import sys; sys.stdout.buffer.write(b'\\0\\xff' * 5_000_000)"
    with subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        run(tmp_path, event, stdin=writer.stdout.fileno(), environ=environ)
        writer.stdout.close()
        assert writer.wait() == 0


def test_of_a_long_stdin_only_the_beginning_is_kept(paths: Paths, tmp_path: Path) -> None:
    run(tmp_path, "session-end", stdin=b"x" * (MAX_STDIN_BYTES + 1))
    (waiting,) = outbox.waiting(paths)
    assert len(waiting.path.read_bytes().split(b"\n", 2)[2]) == MAX_STDIN_BYTES


def test_closed_streams_are_empty_ones(paths: Paths, tmp_path: Path) -> None:
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *RUN]
    for event in ("session-end", "session-start"):
        assert fire([*command, event], cwd=tmp_path, environ=os.environ).code == 0
    assert sorted(names(paths)) == ["session-end", "session-start"]


def test_a_terminal_is_not_read(paths: Paths, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        run(tmp_path, "session-end", stdin=theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert names(paths) == ["session-end"]


@pytest.mark.parametrize("event", ["post-commit", "post-merge", "post-rewrite"])
def test_a_stdin_that_never_ends_does_not_hold_up_git(
    paths: Paths, tmp_path: Path, event: str
) -> None:
    reading, writing = os.pipe()
    try:
        run(tmp_path, event, stdin=reading)
    finally:
        os.close(writing)
        os.close(reading)
    assert names(paths) == [event]


def test_a_session_end_that_is_terminated_still_leaves_its_event(
    paths: Paths, tmp_path: Path
) -> None:
    reading, writing = pipe()
    command = [*RUN, "session-end"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[writing]) as hook:
        os.close(writing)
        assert hook.stdin is not None
        # More than a pipe holds: when it is written, the hook is reading.
        hook.stdin.write(b"x" * 300_000)
        hook.stdin.flush()
        hook.send_signal(signal.SIGTERM)
        assert hook.wait() == 0
    Fired(0, b"", b"", reading).wait()
    assert names(paths) == ["session-end"]


def test_the_recorded_interpreter_runs_the_worker(paths: Paths, tmp_path: Path) -> None:
    worker = witness(tmp_path / "python")
    record_interpreter(paths, worker.program)
    environ = os.environ | {"GIT_INDEX_FILE": ".git/index"}
    fired = run(tmp_path, "post-commit", wait=False, environ=environ)
    started = worker.wait()
    fired.wait()
    assert started.arguments == ["-P", "-m", "akosha_hook.worker"]
    assert "GIT_INDEX_FILE" not in started.environment


@pytest.mark.parametrize(
    "arguments", [[], [""], ["pre-commit"], ["--detach"], ["post-rewrite", "amend"], ["\udcff"]]
)
def test_what_is_no_event_is_ignored(paths: Paths, tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path, *arguments).stdout == b""
    assert not paths.outbox.exists()


def test_help_is_shown(tmp_path: Path) -> None:
    assert b"EVENT is session-end, session-start, post-commit" in run(tmp_path, "--help").stdout


def test_it_is_a_command_like_any_other(paths: Paths, tmp_path: Path) -> None:
    code = "from akosha_hook.cli import main; main()"
    command = [sys.executable, "-P", "-c", code, "run", "post-rewrite", "rebase"]
    assert fire(command, cwd=tmp_path, environ=os.environ).code == 0
    assert names(paths) == ["post-rewrite"]


def test_state_that_cannot_be_written_costs_nothing(paths: Paths, tmp_path: Path) -> None:
    paths.outbox.write_text("a file where the directory should be")
    assert run(tmp_path, "post-commit").stdout == b""
    assert run(tmp_path, "session-start", stdin=b"{}").stdout == b""
    assert "The hook could not leave its event" in paths.log.read_text()


def test_without_a_home_nothing_happens(paths: Paths, tmp_path: Path) -> None:
    run(tmp_path, "post-commit", environ={"PATH": os.environ["PATH"]})
    assert not paths.outbox.exists()


def test_a_working_directory_that_is_gone_is_harmless(paths: Paths, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ["sh", "-c", f'rmdir "{gone}"; exec "$@"', "sh", *RUN, "post-commit"]
    assert fire(command, cwd=gone, environ=os.environ).code == 0
    assert [event.directory for event in outbox.waiting(paths)] == [None]


def test_session_start_shows_the_notice_as_it_is_and_leaves_no_event(
    paths: Paths, tmp_path: Path
) -> None:
    notice = b'{"systemMessage": "a \\u001b \\n %s"}\n'
    paths.notice.write_bytes(notice)
    assert run(tmp_path, "session-start", stdin=b"{}").stdout == notice
    assert names(paths) == []
    assert paths.notice_shown.stat().st_mode & 0o777 == 0o600


def test_session_start_starts_a_worker_only_if_something_waits(
    paths: Paths, tmp_path: Path
) -> None:
    outbox.record(paths, "session-end", tmp_path, b"")
    run(tmp_path, "session-start", stdin=b"{}")
    assert sorted(names(paths)) == ["session-end", "session-start"]
    outbox.acknowledge(outbox.waiting(paths))
    run(tmp_path, "session-start", stdin=b"{}")
    assert names(paths) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PRE_COMMIT_REWRITE_COMMAND": "rebase"}, ["post-rewrite"]),
        ({"PRE_COMMIT_REWRITE_COMMAND": "amend"}, []),
        ({"PRE_COMMIT_IS_SQUASH_MERGE": "0"}, ["post-merge"]),
        ({}, ["post-commit"]),
    ],
)
def test_pre_commit_tells_the_event_by_variables(
    paths: Paths, tmp_path: Path, variables: dict[str, str], expected: list[str]
) -> None:
    run(tmp_path, "post-commit", environ=os.environ | variables)
    assert names(paths) == expected


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A U Thor", "-c", "user.email=author@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True)


@pytest.mark.parametrize("state", ["rebase-merge", "rebase-apply"])
@pytest.mark.parametrize("kind", ["directory", "file", "variable"])
def test_in_the_middle_of_a_rebase_only_its_end_counts(
    paths: Paths, tmp_path: Path, state: str, kind: str
) -> None:
    """`.git` may be a file that names the directory, absolutely or not, and GIT_DIR beats it."""
    place = tmp_path / "place"
    place.mkdir()
    git_dir = place / ".git" if kind == "directory" else tmp_path / "elsewhere"
    (git_dir / state).mkdir(parents=True)
    if kind == "file":
        (place / ".git").write_text("gitdir: ../elsewhere\n")
    environ = os.environ | ({"GIT_DIR": str(git_dir)} if kind == "variable" else {})
    for event in ("post-commit", "post-merge"):
        run(place, event, environ=environ)
    assert names(paths) == []
    run(place, "post-rewrite", "rebase", environ=environ)
    assert names(paths) == ["post-rewrite"]


PRE_COMMIT = """\
default_install_hook_types: [post-commit, post-rewrite]
repos:
- repo: local
  hooks:
  - id: akosha-sync
    name: akosha-sync
    language: system
    entry: "{entry}"
    stages: [post-commit, post-rewrite]
    always_run: true
    pass_filenames: false
"""


def test_pre_commit_returns_while_the_worker_lives(paths: Paths, tmp_path: Path) -> None:
    lives, ends, worker = tmp_path / "lives", tmp_path / "ends", tmp_path / "python"
    os.mkfifo(lives)
    os.mkfifo(ends)
    worker.write_text(
        "#!/bin/sh\n"
        'case "$*" in *akosha_hook.worker*) ;; *) exit ;; esac\n'
        f"echo yes >{lives}\nread line <{ends}\necho $line >{lives}\n"
    )
    worker.chmod(0o755)
    record_interpreter(paths, worker)
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    config = PRE_COMMIT.format(entry=" ".join([*RUN, "post-commit"]))
    (repository / ".pre-commit-config.yaml").write_text(config)
    git(repository, "add", ".")
    install = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(install, cwd=repository, check=True, capture_output=True)
    git(repository, "commit", "-m", "first")
    assert lives.read_text() == "yes\n"
    assert names(paths) == ["post-commit"]
    ends.write_text("now\n")
    assert lives.read_text() == "now\n"
