"""Networks that are slow, silent or gone: left in time, continued later, not dialled in between."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from akosha_hook.state import backoff, progress_file
from tests.support import faults
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.passing import PassingTime, passing_time
from tests.support.waiting import until

if TYPE_CHECKING:
    pass


SINGLE, MULTIPART = MIB, 11 * MIB


@pytest.mark.parametrize("operation", ["ListObjects", "PutObject", "UploadPart", "PutManifest"])
def test_a_black_hole_costs_no_more_than_the_timeout(
    faulty_home: FaultyHome, operation: str
) -> None:
    faulty_home.configure(akosha_upload_timeout_seconds=1)
    faulty_home.write(MULTIPART if operation == "UploadPart" else SINGLE)
    faulty_home.network.on(operation, fault=faulty_home.network.hole)
    outcome = faulty_home.sync()
    assert outcome.exit_code == 5
    assert outcome.receipt is not None
    assert outcome.receipt.error_code.startswith("timeout")
    assert "timed out" in str(outcome.error)
    assert faulty_home.manifests() == []
    faulty_home.network.heal()
    faulty_home.configure(akosha_upload_timeout_seconds=60)
    assert faulty_home.sync().state == "uploaded"
    faulty_home.nothing_is_left()


def test_a_port_that_takes_connections_and_never_reads_is_left_in_time(
    faulty_home: FaultyHome,
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        faulty_home.configure(
            akosha_cloud_endpoint=f"http://127.0.0.1:{port}", akosha_upload_timeout_seconds=1
        )
        faulty_home.write()
        outcome = faulty_home.sync()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "timeout"


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """Deadlines come when the test sleeps."""
    return passing_time(monkeypatch, "akosha_hook.util.retry")


def test_a_slow_network_gets_there_over_several_deadlines(
    faulty_home: FaultyHome, passing: PassingTime
) -> None:
    """16 MiB over three deadlines, while the database changes; no part is sent twice for nothing.

    Backoff doubles with every failure, so an upload that gets on must not count as failing.
    """
    content = faulty_home.write(16 * MIB, seed=1)
    faulty_home.configure(akosha_parallel_uploads=1)
    for first_lost in (3, 2):
        faulty_home.network.heal()
        faulty_home.network.on("UploadPart", fault=faults.too_late(passing), first=first_lost)
        outcome = faulty_home.sync()
        passing.slept.clear()
        assert outcome.receipt is not None
        assert outcome.receipt.error_code == "timeout-with-progress"
        newest = faulty_home.write(MIB, seed=first_lost)
    (entry,) = backoff.entries(faulty_home.paths).values()
    assert entry.failures == 1
    faulty_home.network.heal()
    assert faulty_home.sync().success
    older, newer = faulty_home.manifests()
    assert faulty_home.files_of(older) == {"reflection.duckdb": content}
    assert faulty_home.files_of(newer) == {"reflection.duckdb": newest}
    assert faulty_home.network.parts() == [1, 2, 3, 3, 4, 4]
    assert faulty_home.network.operations("CreateMultipartUpload") == ["CreateMultipartUpload"]
    faulty_home.nothing_is_left()


def test_a_dead_network_is_not_dialled_by_the_next_worker_but_by_hand_at_once(
    faulty_home: FaultyHome,
) -> None:
    faulty_home.write()
    faulty_home.network.on(fault=faults.reset)
    faulty_home.happen()
    _until_it_waits(faulty_home)
    _in_ten_minutes(faulty_home)
    dialled = faulty_home.network.connections
    assert dialled
    for _ in range(2):
        faulty_home.happen()
        _until_it_waits(faulty_home)
    assert faulty_home.network.connections == dialled
    assert len(faulty_home.events()) == 3
    by_hand = faulty_home.akosha_hook("sync")
    assert by_hand.returncode == 5
    assert faulty_home.network.connections > dialled
    faulty_home.network.heal()
    assert faulty_home.akosha_hook("sync").returncode == 0
    faulty_home.nothing_is_left()


def _in_ten_minutes(faulty_home: FaultyHome) -> None:
    """Move the next try there, lest a busy machine gets to it."""
    (entry,) = backoff.entries(faulty_home.paths).values()
    text = faulty_home.paths.backoff.read_text()
    faulty_home.paths.backoff.write_text(text.replace(str(entry.due), str(entry.due + 600)))


def _until_it_waits(faulty_home: FaultyHome) -> None:
    """Run a worker until it says that it waits for a later moment; it dies there."""
    with faulty_home.start_worker() as worker:
        until(lambda: _waits(faulty_home, worker.pid), "the worker waits")
        worker.kill()
        worker.wait()


def _waits(faulty_home: FaultyHome, pid: int) -> bool:
    state = progress_file.read(faulty_home.paths)
    return state.pid == pid and state.phase == "waiting"
