"""What is corrected while a worker waits for a backoff to end counts at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from akosha_hook.state import progress_file
from tests.support.faults import reset
from tests.support.faulty_home import FaultyHome
from tests.support.home import WAIT_SECONDS
from tests.support.waiting import until

WRONG = {"AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}


@pytest.fixture
def failing(faulty_home: FaultyHome) -> FaultyHome:
    faulty_home.configure(akosha_enable_fallback=False, akosha_max_retries=0)
    faulty_home.write()
    faulty_home.happen()
    return faulty_home


@contextmanager
def waiting_worker(failing: FaultyHome, **environ: str) -> Iterator[Popen[bytes]]:
    """A worker whose try has failed; it is killed at the end where it has not left."""
    with failing.start_worker(**environ) as worker:

        def waits() -> bool:
            state = progress_file.read(failing.paths)
            return (state.phase, state.pid) == ("waiting", worker.pid)

        try:
            until(waits, "the worker waits")
            failing.wait_for_worker()
            yield worker
        finally:
            worker.kill()


def right_keys(failing: FaultyHome) -> dict[str, str]:
    server = failing.store.server
    return {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }


def test_keys_corrected_in_the_shell_count_at_the_next_event(failing: FaultyHome) -> None:
    with waiting_worker(failing, **WRONG) as waiting:
        failing.happen()
        assert failing.work(**right_keys(failing)) == ""
        assert failing.events() == []
        assert waiting.wait(WAIT_SECONDS) == 0
    assert set(failing.stored()) == {"reflection.duckdb"}
    failing.nothing_is_left()


def test_keys_corrected_in_their_file_count_at_once(failing: FaultyHome) -> None:
    credentials = Path(os.environ["HOME"]) / ".aws" / "credentials"
    right = credentials.read_text()
    credentials.write_text(right.replace("secret_access_key = ", "secret_access_key = x"))
    with waiting_worker(failing) as waiting:
        credentials.write_text(right)
        assert waiting.wait(WAIT_SECONDS) == 0
    failing.nothing_is_left()


def test_keys_corrected_during_a_try_count_at_the_next_one(failing: FaultyHome) -> None:
    """Nor is what was corrected then taken for what failed."""
    credentials = Path(os.environ["HOME"]) / ".aws" / "credentials"
    right = credentials.read_text()
    credentials.write_text(right.replace("secret_access_key = ", "secret_access_key = x"))
    pause = failing.network.pause()
    with failing.start_worker() as worker:
        try:
            pause.wait()
            credentials.write_text(right)
            pause.resume()
            assert worker.wait(WAIT_SECONDS) == 0
        finally:
            worker.kill()
    assert [each.success for each in failing.receipts()] == [True, False]
    failing.nothing_is_left()


def test_a_corrected_setting_counts_at_once(failing: FaultyHome) -> None:
    failing.configure(akosha_cloud_bucket="no-such-bucket")
    with waiting_worker(failing) as waiting:
        failing.configure(akosha_cloud_bucket=failing.store.name)
        assert waiting.wait(WAIT_SECONDS) == 0
    failing.nothing_is_left()


def test_after_an_upload_by_hand_a_waiting_worker_leaves(failing: FaultyHome) -> None:
    with waiting_worker(failing, **WRONG) as waiting:
        done = failing.akosha_hook("sync")
        assert done.returncode == 0, done.stderr
        assert waiting.wait(WAIT_SECONDS) == 0
    failing.nothing_is_left()


def test_of_several_workers_only_the_newest_waits(failing: FaultyHome) -> None:
    failing.network.on(fault=reset)
    with waiting_worker(failing) as first:
        failing.happen()
        with waiting_worker(failing) as second:
            assert first.wait(WAIT_SECONDS) == 0
            assert second.poll() is None
            assert len(failing.events()) == 2


def test_of_many_events_meanwhile_none_is_missed_and_one_worker_stays(
    failing: FaultyHome,
) -> None:
    failing.network.on(fault=reset)
    with waiting_worker(failing) as first, ExitStack() as stack:
        workers = [first]
        for _ in range(30):
            failing.happen()
            workers.append(stack.enter_context(failing.start_worker()))
            stack.callback(workers[-1].kill)
        until(lambda: len([each for each in workers if each.poll() is None]) == 1, "one is left")
        assert len(failing.events()) == 31
        failing.network.heal()
        failing.configure()
        for each in workers:
            assert each.wait(WAIT_SECONDS) == 0
    failing.nothing_is_left()


def test_a_worker_that_cannot_wait_leaves_the_one_that_does(failing: FaultyHome) -> None:
    """Its event came from a shell with a setting that cannot be used."""
    with waiting_worker(failing, **WRONG) as waiting:
        failing.happen()
        assert failing.work(SESSION_BUDDY_AKOSHA_FORCE_METHOD="cluod") == ""
        assert waiting.poll() is None
        assert failing.work(**right_keys(failing)) == ""
        assert waiting.wait(WAIT_SECONDS) == 0
    failing.nothing_is_left()
