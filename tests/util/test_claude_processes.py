"""Which Claude Code runs us, and where it was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.util import claude_processes

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")


ASK = (
    "from akosha_hook.util import claude_processes\n"
    "for each in claude_processes.running(None):\n"
    "    print(each.directory, sorted(each.names), each.certain)\n"
)


@needs_proc
@pytest.mark.parametrize("is_script", [False, True])
def test_an_ancestor_is_certain(tmp_path: Path, is_script: bool) -> None:
    """`claude` as a program of its own, and as node's script."""
    source = f"import subprocess, sys; subprocess.run([{sys.executable!r}, '-c', {ASK!r}])"
    (tmp_path / "claude-code").mkdir()
    script = tmp_path / "claude-code" / "cli.js"
    script.write_text(source)
    program = tmp_path / "claude"
    program.symlink_to(sys.executable)
    words = [sys.executable, str(script)] if is_script else [str(program), "-c", source]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env={"AWS_PROFILE": "secret-value"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{tmp_path} ['AWS_PROFILE'] True\n"


@needs_proc
def test_without_an_ancestor_it_is_one_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    program = tmp_path / "claude"
    program.symlink_to(sys.executable)
    with subprocess.Popen(
        [program, "-I", "-c", "import sys; print(flush=True); sys.stdin.read()"],
        cwd=tmp_path / "project",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        here = claude_processes.running(str(tmp_path / "project"))
        elsewhere = claude_processes.running(str(tmp_path))
        anywhere = claude_processes.running(None)
        process.communicate()
    assert [each.pid for each in here] == [process.pid]
    assert not here[0].certain
    assert "PATH" in here[0].names
    assert elsewhere == ()
    assert process.pid in [each.pid for each in anywhere]
    assert os.getpid() not in [each.pid for each in anywhere]
