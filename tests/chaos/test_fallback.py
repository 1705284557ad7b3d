"""The cloud first, Akosha at once where waiting cannot help, and the cloud again next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.demo.s3_server import free_ports
from tests.chaos.support import MIB, Patient
from tests.support import faults
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.duck import make_databases
from tests.support.passing import passing_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def akosha(patient: Patient) -> Iterator[AkoshaServer]:
    """A stand-in Akosha server that the patient may fall back to."""
    make_databases(patient.paths.data, conversations=3)
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        patient.configure(akosha_enable_fallback=True, akosha_http_url=server.url)
        yield server


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "RequestTimeTooSkewed"])
def test_a_refusal_goes_to_akosha_and_the_cloud_is_still_owed(
    patient: Patient, akosha: AkoshaServer, code: str
) -> None:
    patient.network.on(fault=faults.error(403, code))
    patient.happen("session-end")
    outcome = patient.sync_by_hand()
    assert outcome.success
    assert outcome.method == "http"
    assert outcome.receipt is not None
    assert outcome.receipt.attempts[0].code == code
    assert [each.method for each in outcome.receipt.attempts] == ["cloud"]
    assert len(patient.events()) == 1
    patient.network.heal()
    assert patient.sync_by_hand().method == "cloud"
    assert set(patient.stored()) == {"reflection.duckdb", "knowledge_graph.duckdb"}
    patient.nothing_is_left()


def test_when_both_fail_the_cloud_is_what_is_told_and_the_event_waits(
    patient: Patient, akosha: AkoshaServer
) -> None:
    patient.configure(akosha_http_url=f"http://127.0.0.1:{free_ports(1)[0]}")
    patient.network.on(fault=faults.error(503, "SlowDown"))
    patient.happen("session-end")
    outcome = patient.sync_by_hand()
    assert outcome.state == "failed"
    assert outcome.method == "cloud"
    assert {each.method for each in patient.receipts()} == {"cloud", "http"}
    assert "SlowDown" in patient.paths.notice.read_text()
    assert len(patient.events()) == 1


def test_a_timeout_that_made_progress_resumes_and_does_not_fall_back(
    patient: Patient, akosha: AkoshaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.util.retry")
    patient.database.unlink()
    patient.write(11 * MIB)
    patient.configure(akosha_parallel_uploads=1, akosha_databases=["reflection.duckdb"])
    patient.network.on("UploadPart", fault=faults.too_late(passing), first=2)
    outcome = patient.sync_by_hand()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "timeout-with-progress"
    assert {each.method for each in patient.receipts()} == {"cloud"}


def test_a_push_to_akosha_by_hand_leaves_the_cloud_its_events(
    patient: Patient, akosha: AkoshaServer
) -> None:
    """The cloud is what the settings prefer, and it has not got the newest state yet."""
    patient.happen("session-end")
    done = patient.akosha_hook("sync", "--method", "http")
    assert done.returncode == 0, done.stderr
    assert len(patient.events()) == 1
    patient.drain()
    assert set(patient.stored()) == {"reflection.duckdb", "knowledge_graph.duckdb"}
    patient.nothing_is_left()
