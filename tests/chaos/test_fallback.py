"""The cloud first, Akosha at once where waiting cannot help, and the cloud again next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.demo.s3_server import free_ports
from tests.support import faults
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.duck import make_databases
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.passing import passing_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def akosha(faulty_home: FaultyHome) -> Iterator[AkoshaServer]:
    """A stand-in Akosha server that the home may fall back to."""
    make_databases(faulty_home.paths.data, conversations=3)
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        faulty_home.configure(akosha_enable_fallback=True, akosha_http_url=server.url)
        yield server


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "RequestTimeTooSkewed"])
def test_a_refusal_goes_to_akosha_and_the_cloud_is_still_pending(
    faulty_home: FaultyHome, akosha: AkoshaServer, code: str
) -> None:
    faulty_home.network.on(fault=faults.error(403, code))
    faulty_home.happen("session-end")
    outcome = faulty_home.sync_by_hand()
    assert outcome.success
    assert outcome.method == "http"
    assert outcome.receipt is not None
    assert outcome.receipt.attempts[0].code == code
    assert [each.method for each in outcome.receipt.attempts] == ["cloud"]
    assert len(faulty_home.events()) == 1
    faulty_home.network.heal()
    assert faulty_home.sync_by_hand().method == "cloud"
    assert set(faulty_home.stored()) == {"reflection.duckdb", "knowledge_graph.duckdb"}
    faulty_home.nothing_is_left()


def test_when_both_fail_the_cloud_is_what_is_reported_and_the_event_waits(
    faulty_home: FaultyHome, akosha: AkoshaServer
) -> None:
    faulty_home.configure(akosha_http_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    faulty_home.network.on(fault=faults.error(503, "SlowDown"))
    faulty_home.happen("session-end")
    outcome = faulty_home.sync_by_hand()
    assert outcome.state == "failed"
    assert outcome.method == "cloud"
    assert {each.method for each in faulty_home.receipts()} == {"cloud", "http"}
    assert "SlowDown" in faulty_home.paths.notice.read_text()
    assert len(faulty_home.events()) == 1


def test_a_timeout_that_made_progress_resumes_and_does_not_fall_back(
    faulty_home: FaultyHome, akosha: AkoshaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.util.retry")
    faulty_home.database.unlink()
    faulty_home.write(11 * MIB)
    faulty_home.configure(akosha_parallel_uploads=1, akosha_databases=["reflection.duckdb"])
    faulty_home.network.on("UploadPart", fault=faults.too_late(passing), first=2)
    outcome = faulty_home.sync_by_hand()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "timeout-with-progress"
    assert {each.method for each in faulty_home.receipts()} == {"cloud"}


def test_a_push_to_akosha_by_hand_leaves_the_cloud_its_events(
    faulty_home: FaultyHome, akosha: AkoshaServer
) -> None:
    """The cloud is what the settings prefer, and it has not got the newest state yet."""
    faulty_home.happen("session-end")
    done = faulty_home.akosha_hook("sync", "--method", "http")
    assert done.returncode == 0, done.stderr
    assert len(faulty_home.events()) == 1
    faulty_home.run_loop()
    assert set(faulty_home.stored()) == {"reflection.duckdb", "knowledge_graph.duckdb"}
    faulty_home.nothing_is_left()
