"""The sync lock, and what is shown meanwhile."""

from __future__ import annotations

import os
import threading

import pytest

from akosha_hook import settings
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.state import progress_file
from akosha_hook.state.progress_file import ProgressFile
from akosha_hook.util import files
from akosha_hook.util.lock import Lock
from tests.support.waiting import until


@pytest.fixture
def context(paths: Paths) -> Context:
    return Context(settings.load(os.environ, paths), paths, os.environ)


def test_inside_the_lock_is_held_and_progress_is_written(context: Context) -> None:
    other = Lock(context.paths.sync_lock)
    with exclusive(context, quiet=False) as inside:
        inside.progress.phase("upload")
        assert progress_file.read(context.paths).phase == "upload"
        assert not other.acquire()
    assert other.acquire()
    assert progress_file.read(context.paths).phase == "idle"
    other.release()


def test_an_error_inside_gives_the_lock_back(context: Context) -> None:
    with pytest.raises(ValueError, match="inside"), exclusive(context, quiet=True):
        raise ValueError("inside")
    other = Lock(context.paths.sync_lock)
    assert other.acquire()
    other.release()


def test_whoever_waits_for_a_sync_that_does_not_go_on_is_told_what_to_type(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    files.private_directory(context.paths.state)
    state = progress_file.State(phase="upload", pid=os.getpid(), updated=1.0)
    files.write_json(context.paths.progress, state)
    running = Lock(context.paths.sync_lock)
    assert running.acquire()
    release = threading.Timer(0, running.release)

    def told_then_released(text: str, *, err: bool) -> None:
        assert err
        print(text)
        release.start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("click.echo", told_then_released)
        with exclusive(context, quiet=False):
            pass
    release.join()
    told = capsys.readouterr().out
    assert told.startswith(
        f"Waiting for the running sync, which is stuck. Try: kill {os.getpid()}, "
    )


@pytest.mark.parametrize("quiet", [False, True])
def test_whoever_waits_is_told_how_far_the_running_sync_is(
    context: Context, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    files.private_directory(context.paths.state)
    progress = ProgressFile(context.paths)
    progress.phase("upload")
    progress.file("reflection.duckdb", 100)
    running = Lock(context.paths.sync_lock)
    assert running.acquire()
    entered = threading.Event()

    def wait() -> None:
        with exclusive(context, quiet=quiet):
            entered.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    output = ""

    def is_told() -> bool:
        nonlocal output
        output += capsys.readouterr().err
        return quiet or "\n" in output

    until(is_told, "the waiting command says so")
    assert not entered.is_set()
    running.release()
    waiting.join()
    assert entered.is_set()
    output += capsys.readouterr().err
    expected = "Waiting for the running sync: uploading reflection.duckdb, 0%\n"
    assert output == ("" if quiet else expected)
