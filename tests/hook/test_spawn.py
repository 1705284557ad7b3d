from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import spawn
from tests.support.hooks import record_interpreter, witness

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

LEAKING = {
    "GIT_DIR": "/somewhere/.git",
    "GIT_INDEX_FILE": ".git/index",
    "GIT_TRACE2": "1",
    "PYTHONPATH": "/somewhere",
    "PYTHONHOME": "/elsewhere",
}


def test_the_worker_is_detached_and_nothing_of_the_caller_leaks_into_it(
    paths: Paths, tmp_path: Path
) -> None:
    worker = witness(tmp_path / "bin")
    record_interpreter(paths, worker.program)
    spawn.start_worker(paths, os.environ | LEAKING | {"AWS_PROFILE": "kept"})
    started = worker.wait()
    assert started.arguments == ["-P", "-m", "akosha_hook.worker"]
    assert started.directory == "/"
    assert started.leads_session
    assert started.descriptors == ["null"] * 3 + ["closed"] * 7
    assert not set(LEAKING) & set(started.environment)
    assert started.environment["AWS_PROFILE"] == "kept"
    assert started.environment["CLAUDE_CONFIG_DIR"] == str(paths.claude)


@pytest.mark.parametrize("recorded", ["gone", "not executable", "a directory", "relative", "empty"])
def test_an_interpreter_that_cannot_run_is_passed_over(
    paths: Paths, tmp_path: Path, recorded: str
) -> None:
    own, other = witness(tmp_path / "own"), witness(tmp_path / "other")
    line: dict[str, Path | str] = {
        "a directory": tmp_path,
        "relative": other.program.name,
        "empty": "",
    }
    if recorded == "gone":
        other.program.unlink()
    elif recorded == "not executable":
        other.program.chmod(0o644)
    record_interpreter(paths, line.get(recorded, other.program))
    spawn.start_worker(paths, os.environ, python=str(own.program))
    assert own.wait().arguments == ["-P", "-m", "akosha_hook.worker"]


def test_an_interpreter_that_lost_the_package_is_passed_over(tmp_path: Path) -> None:
    own, other = witness(tmp_path / "own"), witness(tmp_path / "other", has_package=False)
    interpreters = [str(other.program), str(tmp_path / "missing"), str(own.program)]
    code = f"from akosha_hook.hook import spawn; spawn.main({interpreters!r})"
    with subprocess.Popen([sys.executable, "-c", code]):
        assert own.wait().arguments == ["-P", "-m", "akosha_hook.worker"]


def test_nothing_that_can_run_is_no_error(paths: Paths, tmp_path: Path) -> None:
    spawn.start_worker(paths, os.environ, python=str(tmp_path / "missing"))
    spawn.start_worker(paths, os.environ, python="")
