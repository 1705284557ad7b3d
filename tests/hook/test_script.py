"""The hook script under every shell installed here."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import outbox
from akosha_hook.hook.event import MAX_STDIN_BYTES, SESSION_EVENTS
from tests.support.hooks import (
    NOTHING,
    SCRIPT,
    Fired,
    fire,
    install_script,
    pipe,
    record_interpreter,
    witness,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from akosha_hook.paths import Paths

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash --posix": ["bash", "--posix"],
    "busybox sh": ["busybox", "sh"],
    "zsh --emulate sh": ["zsh", "--emulate", "sh"],
    "ksh": ["ksh"],
}
TOOLS = ("cat", "date", "head", "mkdir", "mv")
SILENT = (0, b"", b"")


def installed_shells() -> list[str]:
    return [name for name, command in SHELLS.items() if shutil.which(command[0])] or ["sh"]


@pytest.fixture(params=installed_shells())
def shell(request: pytest.FixtureRequest) -> list[str | Path]:
    program, *options = SHELLS.get(request.param, ["sh"])
    return [shutil.which(program) or program, *options]


@pytest.fixture
def script(paths: Paths) -> Path:
    """Installed, with a worker that does nothing."""
    record_interpreter(paths, NOTHING)
    return install_script(paths)


def message(fired: Fired) -> tuple[int, bytes, bytes]:
    return fired.code, fired.stdout, fired.stderr


def left_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.is_dir() else []


def only_event(paths: Paths) -> bytes:
    (event,) = outbox.waiting(paths)
    return event.path.read_bytes()


@pytest.mark.parametrize("event", ["post-commit", "post-merge", "post-rewrite"])
def test_a_repository_event_is_left_in_silence(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, event: str
) -> None:
    before = int(time.time())
    fired = fire([*shell, script, event, "rebase"], cwd=tmp_path, environ=os.environ)
    assert message(fired) == SILENT
    (waiting,) = outbox.waiting(paths)
    assert (waiting.name, waiting.directory) == (event, tmp_path)
    assert before <= waiting.epoch <= time.time()
    assert waiting.path.read_bytes() == b"%s\n%s\n" % (event.encode(), os.fsencode(tmp_path))
    assert stat.S_IMODE(waiting.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.outbox.stat().st_mode) == 0o700
    assert left_in(paths.outbox) == [waiting.path.name]


def test_a_session_end_carries_its_stdin(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    stdin = b'{"reason": "other"}\n' + bytes(range(256))
    fired = fire([*shell, script, "session-end"], cwd=tmp_path, environ=os.environ, stdin=stdin)
    assert message(fired) == SILENT
    assert only_event(paths) == b"session-end\n%s\n" % os.fsencode(tmp_path) + stdin


def fed_ten_megabytes(
    command: Sequence[str | Path], *, cwd: Path, environ: Mapping[str, str]
) -> tuple[int, Fired]:
    """The writer's exit status, and the hook that read from it."""
    write = "import sys; sys.stdout.buffer.write(b'\\0\\xff' * 5_000_000)"
    with subprocess.Popen([sys.executable, "-c", write], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        fired = fire(command, cwd=cwd, environ=environ, stdin=writer.stdout.fileno())
        writer.stdout.close()
        return writer.wait(), fired


@pytest.mark.parametrize("event", sorted(SESSION_EVENTS))
def test_a_writer_of_ten_megabytes_is_read_to_its_end(
    shell: list[str | Path], script: Path, tmp_path: Path, event: str
) -> None:
    """Also where there is no home to leave an event in: SIGPIPE would kill the writer."""
    homeless = {"PATH": os.environ["PATH"]}
    for environ, copy in ((os.environ, script), (homeless, SCRIPT)):
        status, fired = fed_ten_megabytes([*shell, copy, event], cwd=tmp_path, environ=environ)
        assert status == 0
        assert message(fired) == SILENT


def test_of_a_long_stdin_only_the_beginning_is_kept(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    fed_ten_megabytes([*shell, script, "session-end"], cwd=tmp_path, environ=os.environ)
    assert len(only_event(paths).split(b"\n", 2)[2]) == MAX_STDIN_BYTES


def test_a_closed_stdin_is_an_empty_one(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *shell, script, "session-end"]
    assert message(fire(command, cwd=tmp_path, environ=os.environ)) == SILENT
    assert only_event(paths) == b"session-end\n%s\n" % os.fsencode(tmp_path)


@pytest.mark.parametrize("state", ["rebase-merge", "rebase-apply"])
@pytest.mark.parametrize("kind", ["directory", "file", "variable"])
def test_in_the_middle_of_a_rebase_only_its_end_counts(
    shell: list[str | Path], script: Path, tmp_path: Path, kind: str, state: str
) -> None:
    """`.git` may be a file that names the directory, and GIT_DIR beats it."""
    place = tmp_path / "place"
    place.mkdir()
    git_dir = place / ".git" if kind == "directory" else tmp_path / "else where"
    (git_dir / state).mkdir(parents=True)
    if kind == "file":
        (place / ".git").write_text("gitdir: ../else where\n")
    environ = os.environ | ({"GIT_DIR": str(git_dir)} if kind == "variable" else {})
    outbox_directory = script.parent.parent / "outbox"
    for event in ("post-commit", "post-merge"):
        assert message(fire([*shell, script, event], cwd=place, environ=environ)) == SILENT
    assert left_in(outbox_directory) == []
    assert message(fire([*shell, script, "post-rewrite"], cwd=place, environ=environ)) == SILENT
    assert len(left_in(outbox_directory)) == 1


@pytest.mark.parametrize("event", ["session-end", "session-start", "post-commit"])
def test_a_terminal_is_not_read(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, event: str
) -> None:
    ours, theirs = pty.openpty()
    try:
        command = [*shell, script, event]
        assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=theirs)) == SILENT
    finally:
        os.close(theirs)
        os.close(ours)
    assert len(outbox.waiting(paths)) == (event != "session-start")


@pytest.mark.parametrize("event", ["post-commit", "post-merge", "post-rewrite"])
def test_a_stdin_that_never_ends_does_not_hold_up_git(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, event: str
) -> None:
    reading, writing = os.pipe()
    try:
        command = [*shell, script, event, "rebase"]
        assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=reading)) == SILENT
    finally:
        os.close(writing)
        os.close(reading)
    assert len(outbox.waiting(paths)) == 1


def test_a_session_end_that_is_terminated_still_leaves_its_event(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    """Claude Code terminates the group of a hook that takes too long."""
    messages = tmp_path / "messages"
    os.mkfifo(messages)
    head = tmp_path / "bin" / "head"
    head.parent.mkdir()
    head.write_text(f"#!/bin/sh\necho reading > {messages}\nexec cat\n")
    head.chmod(0o755)
    reading, writing = pipe()
    with subprocess.Popen(
        [*shell, script, "session-end"],
        stdin=subprocess.PIPE,
        env=os.environ | {"PATH": f"{head.parent}:{os.environ['PATH']}"},
        start_new_session=True,
        pass_fds=[writing],
    ) as hook:
        os.close(writing)
        assert messages.read_text() == "reading\n"
        os.killpg(hook.pid, signal.SIGTERM)
        assert hook.wait() == 0
    Fired(0, b"", b"", reading).wait()
    assert only_event(paths).startswith(b"session-end\n")


def test_the_worker_is_detached_and_nothing_of_git_leaks_into_it(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    worker = witness(tmp_path / "it's a $(touch x) \x1b[31m place")
    record_interpreter(paths, worker.program)
    leaking = {
        "GIT_DIR": "/somewhere/.git",
        "GIT_INDEX_FILE": ".git/index",
        "GIT_CONFIG_VALUE_0": "a\nexport GIT_B=1\nexport GIT_B-C;x=1\n/*",
        "GIT_AUTHOR_NAME": "A 'quoted' \"name\" $(touch x)",
        "PYTHONPATH": "/somewhere",
        "PYTHONHOME": "/elsewhere",
    }
    environ = os.environ | leaking | {"AWS_PROFILE": "kept\nGIT", "CLAUDE_CONFIG_DIR": "/other"}
    fired = fire([*shell, script, "post-commit"], cwd=tmp_path, environ=environ, wait=False)
    started = worker.wait()
    fired.wait()
    assert message(fired) == SILENT
    assert started.arguments == ["-P", "-m", "akosha_hook.worker"]
    assert started.directory == "/"
    assert started.leads_session == bool(shutil.which("setsid"))
    assert started.descriptors == ["null"] * 3 + ["closed"] * 7
    assert not [name for name in started.environment if name.startswith(("GIT_", "PYTHON"))]
    assert started.environment["AWS_PROFILE"] == "kept\nGIT"
    assert started.environment["CLAUDE_CONFIG_DIR"] == str(paths.claude)
    assert not (tmp_path / "x").exists()


def tools(folder: Path, *names: str) -> str:
    """A PATH of nothing but these."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


def test_without_setsid_the_worker_survives_a_hangup(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    worker = witness(tmp_path / "python")
    record_interpreter(paths, worker.program)
    environ = os.environ | {"PATH": tools(tmp_path / "bin", *TOOLS)}
    fired = fire([*shell, script, "session-end"], cwd=tmp_path, environ=environ, wait=False)
    started = worker.wait()
    fired.wait()
    assert message(fired) == SILENT
    assert started.ignores_hangup
    assert not started.leads_session


def test_without_a_clock_the_event_is_the_oldest(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    environ = os.environ | {"PATH": tools(tmp_path / "bin", "mkdir", "mv")}
    assert message(fire([*shell, script, "post-commit"], cwd=tmp_path, environ=environ)) == SILENT
    (event,) = outbox.waiting(paths)
    assert event.epoch == 0


def test_with_no_programs_at_all_the_event_still_waits(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    """It never got its name, but the worker takes it in when it is old enough."""
    paths.outbox.mkdir(mode=0o700)
    environ = os.environ | {"PATH": "/nonexistent"}
    assert message(fire([*shell, script, "post-commit"], cwd=tmp_path, environ=environ)) == SILENT
    (temporary,) = paths.outbox.iterdir()
    os.utime(temporary, (1_600_000_000, 1_600_000_000))
    assert only_event(paths) == b"post-commit\n%s\n" % os.fsencode(tmp_path)


@pytest.mark.parametrize("recorded", ["missing", "gone", "a directory", "relative", "garbage"])
def test_without_its_interpreter_the_command_on_path_is_used(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, recorded: str
) -> None:
    result = witness(tmp_path / "bin", argument="--worker")
    result.program.rename(result.program.with_name("akosha-hook"))
    relative = os.path.relpath(result.program.with_name("akosha-hook"), "/")
    lines = {"gone": "/gone/python", "a directory": str(tmp_path), "relative": relative}
    paths.interpreter.write_bytes(lines.get(recorded, "\x1b[31m\0\n$(touch x)").encode())
    if recorded == "missing":
        paths.interpreter.unlink()
    environ = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    fired = fire([*shell, script, "post-commit"], cwd=tmp_path, environ=environ, wait=False)
    started = result.wait()
    fired.wait()
    assert message(fired) == SILENT
    assert started.arguments == ["run", "--worker"]
    assert len(outbox.waiting(paths)) == 1


def test_with_nothing_to_run_the_event_waits(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    paths.interpreter.unlink()
    environ = os.environ | {"PATH": tools(tmp_path / "bin", *TOOLS)}
    assert message(fire([*shell, script, "post-commit"], cwd=tmp_path, environ=environ)) == SILENT
    assert len(outbox.waiting(paths)) == 1


@pytest.mark.parametrize("event", ["post-commit", "session-end", "session-start"])
def test_state_that_cannot_be_written_costs_nothing(
    shell: list[str | Path], paths: Paths, tmp_path: Path, event: str
) -> None:
    paths.claude.mkdir()
    paths.state.write_text("a file where the directory should be")
    command = [*shell, SCRIPT, event]
    status, fired = fed_ten_megabytes(command, cwd=tmp_path, environ=os.environ)
    assert message(fired) == SILENT
    assert status == 0 or event == "post-commit"
    assert left_in(paths.claude) == ["akosha"]


@pytest.mark.parametrize("event", ["post-commit", "session-end", "session-start"])
def test_an_outbox_that_cannot_be_written_starts_no_worker(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, event: str
) -> None:
    worker = tmp_path / "python"
    worker.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    worker.chmod(0o755)
    record_interpreter(paths, worker)
    paths.outbox.symlink_to("/dev/null")
    command = [*shell, script, event]
    assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=b"{}")) == SILENT
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("event", ["post-commit", "session-end", "session-start"])
def test_without_a_home_nothing_happens(
    shell: list[str | Path], tmp_path: Path, event: str
) -> None:
    tmp_path.joinpath("empty").mkdir()
    environ = {"PATH": os.environ["PATH"]}
    command = [*shell, SCRIPT, event]
    assert message(fire(command, cwd=tmp_path / "empty", environ=environ, stdin=b"{}")) == SILENT
    assert left_in(tmp_path / "empty") == []
    assert not Path("/akosha").exists()


@pytest.mark.parametrize("arguments", [[], [""], ["pre-commit"], ["../../x"], ["-rf"], ["\n"]])
def test_an_unknown_event_is_ignored(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, arguments: list[str]
) -> None:
    assert message(fire([*shell, script, *arguments], cwd=tmp_path, environ=os.environ)) == SILENT
    assert left_in(paths.outbox) == []


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines",
        "a 'b' \"c\" `touch x` $(touch x); touch x",
        "-rf",
        "\x1b]0;x\x07",
        "*",
        "\\n%s",
    ],
)
def test_a_hostile_working_directory_is_harmless(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path, name: str
) -> None:
    """It holds programs of the names the script uses, with itself on PATH."""
    directory = tmp_path / "hostile" / name
    directory.mkdir(parents=True)
    for tool in (*TOOLS, "setsid", "akosha-hook"):
        (directory / tool).write_text(f"#!/bin/sh\ntouch {tmp_path}/hostile/x\n")
        (directory / tool).chmod(0o755)
    environ = os.environ | {"PATH": f".:{os.environ['PATH']}"}
    for event in ("post-commit", "session-end"):
        assert message(fire([*shell, script, event], cwd=directory, environ=environ)) == SILENT
    expected = None if "\n" in name else directory
    assert [event.directory for event in outbox.waiting(paths)] == [expected] * 2
    assert left_in(tmp_path / "hostile") == [name]
    assert not (directory / "x").exists()


def test_a_working_directory_that_is_gone_is_harmless(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    leave = f'rmdir "{gone}"; exec "$@"'
    command = ["sh", "-c", leave, "sh", *shell, script, "post-commit"]
    fired = fire(command, cwd=gone, environ=os.environ)
    assert fired.code == 0
    assert len(outbox.waiting(paths)) == 1


def test_options_exported_to_bash_change_nothing(
    script: Path, paths: Paths, tmp_path: Path
) -> None:
    bash = shutil.which("bash") or "sh"
    environ = os.environ | {"SHELLOPTS": "errexit:noclobber:noglob:nounset:monitor"}
    for event in ("session-end", "post-commit", "session-start"):
        command: list[str | Path] = [bash, script, event]
        assert message(fire(command, cwd=tmp_path, environ=environ)) == SILENT
    assert len(outbox.waiting(paths)) == 3


def test_the_environment_says_where_a_copy_that_is_not_installed_leaves_its_event(
    shell: list[str | Path], tmp_path: Path, home: Path
) -> None:
    cases: list[tuple[Mapping[str, str], Path]] = [
        ({}, home / ".claude"),
        ({"CLAUDE_CONFIG_DIR": ""}, home / ".claude"),
        ({"CLAUDE_CONFIG_DIR": str(home / "else where")}, home / "else where"),
        ({"CLAUDE_CONFIG_DIR": "~/tilde"}, home / "tilde"),
        ({"CLAUDE_CONFIG_DIR": "relative"}, tmp_path / "relative"),
    ]
    for variables, expected in cases:
        fired = fire([*shell, SCRIPT, "post-commit"], cwd=tmp_path, environ=os.environ | variables)
        assert message(fired) == SILENT
        assert len(left_in(expected / "akosha" / "outbox")) == 1
        shutil.rmtree(expected)


def test_session_start_shows_the_notice_as_it_is_and_leaves_no_event(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    notice = b'{"systemMessage": "a \\u001b \\n %s $(x) `y`"}\n'
    paths.notice.write_bytes(notice)
    command = [*shell, script, "session-start"]
    assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=b"{}")) == (0, notice, b"")
    assert left_in(paths.outbox) == []
    assert paths.notice_shown.stat().st_mode & 0o777 == 0o600
    os.utime(paths.notice_shown, (0, 0))
    fire(command, cwd=tmp_path, environ=os.environ, stdin=b"{}")
    assert paths.notice_shown.stat().st_mtime_ns >= paths.notice.stat().st_mtime_ns


def test_session_start_shows_the_notice_where_that_cannot_be_noted(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    notice = b'{"systemMessage": "a"}\n'
    paths.notice.write_bytes(notice)
    command = [*shell, script, "session-start"]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    paths.notice_shown.symlink_to(victim)
    outbox.record(paths, "session-end", tmp_path, b"")
    assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=b"{}")) == (0, notice, b"")
    assert victim.read_text() == "precious"
    paths.notice_shown.unlink()
    paths.notice_shown.mkdir()
    assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=b"{}")) == (0, notice, b"")
    assert len(outbox.waiting(paths)) == 3


def test_session_start_starts_a_worker_only_if_something_waits(
    shell: list[str | Path], script: Path, paths: Paths, tmp_path: Path
) -> None:
    command = [*shell, script, "session-start"]
    stdin = b'{"source": "startup"}'
    outbox.record(paths, "session-end", tmp_path, b"")
    fired = fire(command, cwd=tmp_path, environ=os.environ, stdin=stdin)
    assert message(fired) == SILENT
    assert sorted(event.name for event in outbox.waiting(paths)) == ["session-end", "session-start"]
    outbox.acknowledge(outbox.waiting(paths))
    assert message(fire(command, cwd=tmp_path, environ=os.environ, stdin=stdin)) == SILENT
    assert outbox.waiting(paths) == ()


def test_a_commit_needs_no_look_into_the_outbox(script: Path, paths: Paths, tmp_path: Path) -> None:
    """It stays as quick with thousands of events: it can write there without reading."""
    paths.outbox.mkdir(mode=0o300)
    assert message(fire([script, "post-commit"], cwd=tmp_path, environ=os.environ)) == SILENT
    paths.outbox.chmod(0o700)
    assert len(outbox.waiting(paths)) == 1
