"""Whatever a network or a server answers: classified, retried or said, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
import trustme
import urllib3

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import DeadlinePassedError
from akosha_hook.state import backoff
from akosha_hook.state import progress_file as watch
from akosha_hook.stores.s3.bounded import CONNECT_SECONDS, READ_SECONDS, BoundedHttp
from akosha_hook.util.retry import Deadline
from tests.chaos.support import MIB, Patient
from tests.support import faults
from tests.support.faults import error, portal
from tests.support.passing import PassingTime, passing_time
from tests.support.tls import https_server
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.faults import Exchange

SINGLE, MULTIPART = MIB, 11 * MIB


def refused_answer(exchange: Exchange) -> None:
    """200, and an error document where the result should be: S3 does that on Complete."""
    exchange.answer(200, faults.error_document("InternalError"))


@pytest.mark.parametrize(
    ("operation", "size", "fault"),
    [
        ("PutObject", SINGLE, faults.reset),
        ("PutObject", SINGLE, faults.lost_answer),
        ("PutObject", SINGLE, error(503, "SlowDown")),
        ("CreateMultipartUpload", MULTIPART, faults.lost_answer),
        ("CreateMultipartUpload", MULTIPART, faults.truncated),
        ("CreateMultipartUpload", MULTIPART, error(500, "InternalError")),
        ("UploadPart", MULTIPART, faults.reset),
        ("UploadPart", MULTIPART, faults.lost_answer),
        ("UploadPart", MULTIPART, error(429, "TooManyRequests")),
        ("UploadPart", MULTIPART, error(400, "RequestTimeout")),
        ("CompleteMultipartUpload", MULTIPART, faults.lost_answer),
        ("CompleteMultipartUpload", MULTIPART, faults.truncated),
        ("CompleteMultipartUpload", MULTIPART, refused_answer),
        ("HeadObject", MULTIPART, error(503, "SlowDown")),
        ("PutManifest", SINGLE, faults.lost_answer),
        ("PutManifest", SINGLE, faults.reset),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_burst_is_retried_and_the_upload_is_whole(
    patient: Patient, operation: str, size: int, fault: Callable[[Exchange], None]
) -> None:
    content = patient.write(size)
    patient.network.on(operation, fault=fault, times=2)
    outcome = patient.sync()
    assert outcome.state == "uploaded", outcome.error
    assert outcome.receipt is not None
    assert outcome.receipt.attempts
    assert all(each.retryable for each in outcome.receipt.attempts)
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_an_empty_etag_is_settled_by_what_head_says(any_patient: Patient) -> None:
    content = any_patient.write(MULTIPART)
    any_patient.network.on(
        "UploadPart", "CompleteMultipartUpload", "PutObject", fault=faults.no_etag
    )
    outcome = any_patient.sync()
    assert outcome.state == "uploaded", outcome.error
    assert any_patient.stored() == {"reflection.duckdb": content}


def test_a_complete_that_says_200_and_did_nothing_is_no_success(patient: Patient) -> None:
    patient.write(MULTIPART)
    patient.network.on("CompleteMultipartUpload", fault=refused_answer)
    outcome = patient.sync()
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "BadAnswer"
    assert patient.manifests() == []


def test_an_object_that_is_shorter_than_what_was_sent_is_no_success(patient: Patient) -> None:
    def shorter(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.client.sendall(
            re.sub(
                rb"(?im)^(content-length: *)(\d+)",
                lambda found: found[1] + str(int(found[2]) - 1).encode(),
                answer,
            )
        )

    patient.configure(akosha_max_retries=0)
    patient.write(MULTIPART)
    patient.network.on("HeadObject", fault=shorter)
    outcome = patient.sync()
    assert outcome.receipt is not None
    assert (outcome.state, outcome.receipt.error_code) == ("failed", "VerifyFailed")
    assert f"has {MULTIPART - 1:,} bytes, not {MULTIPART:,}" in str(outcome.error)
    assert patient.manifests() == []
    patient.network.heal()
    assert patient.sync().state == "uploaded"
    patient.nothing_is_left()


@pytest.mark.parametrize(
    ("fault", "code", "exit_code"),
    [
        (portal, "NotS3", 5),
        (error(403, "AccessDenied"), "AccessDenied", 4),
        (error(403, "RequestTimeTooSkewed"), "RequestTimeTooSkewed", 1),
        (error(400, "ExpiredToken"), "ExpiredToken", 4),
        (error(403, "InvalidAccessKeyId"), "InvalidAccessKeyId", 4),
        (error(403, "QuotaExceeded"), "QuotaExceeded", 1),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
def test_what_waiting_cannot_help_is_asked_once_and_said(
    patient: Patient, fault: Callable[[Exchange], None], code: str, exit_code: int
) -> None:
    patient.write()
    patient.network.on("PutObject", fault=fault)
    outcome = patient.sync()
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert (outcome.receipt.error_code, outcome.exit_code) == (code, exit_code)
    assert outcome.hint
    assert [each.retryable for each in outcome.receipt.attempts] == [False]
    assert patient.network.operations("PutObject") == ["PutObject"]


def test_a_captive_portal_is_recognised_at_the_first_request(patient: Patient) -> None:
    patient.write()
    patient.network.on(fault=portal)
    outcome = patient.sync()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "NotS3"
    assert "captive portal" in outcome.hint
    assert len(patient.network.asked) == 1


def test_a_clock_that_is_off_is_told_by_how_much(patient: Patient) -> None:
    def skewed(exchange: Exchange) -> None:
        exchange.body()
        there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
        body = faults.error_document("RequestTimeTooSkewed")
        exchange.client.sendall(
            f"HTTP/1.1 403 Forbidden\r\nDate: {there:%a, %d %b %Y %H:%M:%S} GMT\r\n"
            f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    patient.write()
    patient.network.on("PutObject", fault=skewed)
    outcome = patient.sync()
    assert outcome.error is not None
    assert "clock is off by 7" in outcome.error


@pytest.mark.parametrize("kind", ["slow-down", "refused", "dns", "portal-502"])
def test_what_lasts_is_given_up_after_the_retries(patient: Patient, kind: str) -> None:
    patient.write()
    expected = {"slow-down": "SlowDown", "refused": "Unreachable", "dns": "DNS"}.get(kind, "")
    if kind == "slow-down":
        patient.network.on(fault=error(503, "SlowDown"))
    elif kind == "portal-502":
        patient.network.on(
            fault=lambda exchange: exchange.answer(502, b"<html>bad</html>", kind="text/html")
        )
        expected = "HTTP502"
    elif kind == "refused":
        patient.configure(akosha_cloud_endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    else:
        patient.configure(
            akosha_cloud_endpoint="http://no-such-host.invalid:9000",
            akosha_allow_insecure_endpoint=True,
        )
    outcome = patient.sync()
    assert outcome.exit_code == 5
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == expected
    assert len(outcome.receipt.attempts) == 3


def test_a_server_without_a_trusted_certificate_is_not_talked_to(patient: Patient) -> None:
    patient.write()
    with https_server(trustme.CA(), "127.0.0.1") as server:
        patient.configure(akosha_cloud_endpoint=server.url_for("").rstrip("/"))
        outcome = patient.sync()
        assert server.log == []
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "TLS"
    assert len(outcome.receipt.attempts) == 1


@pytest.mark.parametrize("operation", ["ListObjects", "PutObject", "UploadPart", "PutManifest"])
def test_a_black_hole_costs_no_more_than_the_timeout(patient: Patient, operation: str) -> None:
    patient.configure(akosha_upload_timeout_seconds=1)
    patient.write(MULTIPART if operation == "UploadPart" else SINGLE)
    patient.network.on(operation, fault=patient.network.hole)
    outcome = patient.sync()
    assert outcome.exit_code == 5
    assert outcome.receipt is not None
    assert outcome.receipt.error_code.startswith("timeout")
    assert "timed out" in str(outcome.error)
    assert patient.manifests() == []
    patient.network.heal()
    patient.configure(akosha_upload_timeout_seconds=60)
    assert patient.sync().state == "uploaded"
    patient.nothing_is_left()


@dataclass
class _Pool:
    """Where requests would leave; a server that takes `seconds` for every ten bytes."""

    passing: PassingTime
    seconds: float = 0.0
    timeouts: list[urllib3.Timeout] = field(default_factory=list)
    taken: int = 0

    def urlopen(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        self.timeouts.append(options["timeout"])
        while options["body"] and (piece := options["body"].read(10)):
            self.taken += len(piece)
            self.passing.sleep(self.seconds)
        return urllib3.HTTPResponse(status=200)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """Deadlines come when the test sleeps."""
    return passing_time(monkeypatch, "akosha_hook.util.retry")


def _ask(pool: _Pool, deadline: Deadline, body: bytes | None = None) -> None:
    BoundedHttp(cast("urllib3.PoolManager", pool), deadline, None).urlopen("PUT", "/", body=body)


def test_no_request_may_take_longer_than_what_is_left_of_the_timeout(passing: PassingTime) -> None:
    pool = _Pool(passing)
    deadline = Deadline(900)
    _ask(pool, deadline)
    passing.sleep(893)
    _ask(pool, deadline)
    passing.sleep(7)
    with pytest.raises(DeadlinePassedError):
        _ask(pool, deadline)
    allowed = [(each.connect_timeout, each.read_timeout) for each in pool.timeouts]
    assert allowed[0] == (CONNECT_SECONDS, READ_SECONDS)
    assert all(isinstance(each, float) and each <= 7 for each in allowed[1])


def test_a_body_that_only_trickles_away_is_cut_when_the_timeout_is_over(
    passing: PassingTime,
) -> None:
    """Every single write succeeds in time."""
    pool = _Pool(passing, seconds=5)
    with pytest.raises(DeadlinePassedError):
        _ask(pool, Deadline(60), body=bytes(10_000))
    assert 10 <= pool.taken <= 120


def test_a_port_that_takes_connections_and_never_reads_is_left_in_time(patient: Patient) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        patient.configure(
            akosha_cloud_endpoint=f"http://127.0.0.1:{port}", akosha_upload_timeout_seconds=1
        )
        patient.write()
        outcome = patient.sync()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "timeout"


def test_a_slow_network_gets_there_over_several_deadlines(
    patient: Patient, passing: PassingTime
) -> None:
    """16 MiB over three deadlines, while the database changes; no part is sent twice for nothing.

    Backoff doubles with every failure, so an upload that gets on must not count as failing.
    """
    content = patient.write(16 * MIB, seed=1)
    patient.configure(akosha_parallel_uploads=1)
    for first_lost in (3, 2):
        patient.network.heal()
        patient.network.on("UploadPart", fault=faults.too_late(passing), first=first_lost)
        outcome = patient.sync()
        passing.slept.clear()
        assert outcome.receipt is not None
        assert outcome.receipt.error_code == "timeout-with-progress"
        newest = patient.write(MIB, seed=first_lost)
    (entry,) = backoff.entries(patient.paths).values()
    assert entry.failures == 1
    patient.network.heal()
    assert patient.sync().success
    older, newer = patient.manifests()
    assert patient.files_of(older) == {"reflection.duckdb": content}
    assert patient.files_of(newer) == {"reflection.duckdb": newest}
    assert patient.network.parts() == [1, 2, 3, 3, 4, 4]
    assert patient.network.operations("CreateMultipartUpload") == ["CreateMultipartUpload"]
    patient.nothing_is_left()


def test_a_dead_network_is_not_dialled_by_the_next_worker_but_by_hand_at_once(
    patient: Patient,
) -> None:
    patient.write()
    patient.network.on(fault=faults.reset)
    patient.happen()
    _until_it_waits(patient)
    _in_ten_minutes(patient)
    dialled = patient.network.connections
    assert dialled
    for _ in range(2):
        patient.happen()
        _until_it_waits(patient)
    assert patient.network.connections == dialled
    assert len(patient.events()) == 3
    by_hand = patient.akosha_hook("sync")
    assert by_hand.returncode == 5
    assert patient.network.connections > dialled
    patient.network.heal()
    assert patient.akosha_hook("sync").returncode == 0
    patient.nothing_is_left()


def _in_ten_minutes(patient: Patient) -> None:
    """Move the next try there, lest a busy machine gets to it."""
    (entry,) = backoff.entries(patient.paths).values()
    text = patient.paths.backoff.read_text()
    patient.paths.backoff.write_text(text.replace(str(entry.due), str(entry.due + 600)))


def _until_it_waits(patient: Patient) -> None:
    """Run a worker until it says that it waits for a later moment; it dies there."""
    with patient.start_worker() as worker:
        until(lambda: _waits(patient, worker.pid), "the worker waits")
        worker.kill()
        worker.wait()


def _waits(patient: Patient, pid: int) -> bool:
    state = watch.read(patient.paths)
    return state.pid == pid and state.phase == "waiting"
