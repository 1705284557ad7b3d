"""Whatever a network or a server answers: classified, retried or reported, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
import trustme

from akosha_hook.demo.s3_server import free_ports
from tests.support import faults
from tests.support.faults import error, portal
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.tls import https_server

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
    faulty_home: FaultyHome, operation: str, size: int, fault: Callable[[Exchange], None]
) -> None:
    content = faulty_home.write(size)
    faulty_home.network.on(operation, fault=fault, times=2)
    outcome = faulty_home.sync()
    assert outcome.state == "uploaded", outcome.error
    assert outcome.receipt is not None
    assert outcome.receipt.attempts
    assert all(each.retryable for each in outcome.receipt.attempts)
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_an_empty_etag_is_settled_by_what_head_says(any_faulty_home: FaultyHome) -> None:
    content = any_faulty_home.write(MULTIPART)
    any_faulty_home.network.on(
        "UploadPart", "CompleteMultipartUpload", "PutObject", fault=faults.no_etag
    )
    outcome = any_faulty_home.sync()
    assert outcome.state == "uploaded", outcome.error
    assert any_faulty_home.stored() == {"reflection.duckdb": content}


def test_a_complete_that_says_200_and_did_nothing_is_no_success(faulty_home: FaultyHome) -> None:
    faulty_home.write(MULTIPART)
    faulty_home.network.on("CompleteMultipartUpload", fault=refused_answer)
    outcome = faulty_home.sync()
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "BadAnswer"
    assert faulty_home.manifests() == []


def test_an_object_that_is_shorter_than_what_was_sent_is_no_success(
    faulty_home: FaultyHome,
) -> None:
    def shorter(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.client.sendall(
            re.sub(
                rb"(?im)^(content-length: *)(\d+)",
                lambda match: match[1] + str(int(match[2]) - 1).encode(),
                answer,
            )
        )

    faulty_home.configure(akosha_max_retries=0)
    faulty_home.write(MULTIPART)
    faulty_home.network.on("HeadObject", fault=shorter)
    outcome = faulty_home.sync()
    assert outcome.receipt is not None
    assert (outcome.state, outcome.receipt.error_code) == ("failed", "VerifyFailed")
    assert f"has {MULTIPART - 1:,} bytes, not {MULTIPART:,}" in str(outcome.error)
    assert faulty_home.manifests() == []
    faulty_home.network.heal()
    assert faulty_home.sync().state == "uploaded"
    faulty_home.nothing_is_left()


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
    faulty_home: FaultyHome, fault: Callable[[Exchange], None], code: str, exit_code: int
) -> None:
    faulty_home.write()
    faulty_home.network.on("PutObject", fault=fault)
    outcome = faulty_home.sync()
    assert outcome.state == "failed"
    assert outcome.receipt is not None
    assert (outcome.receipt.error_code, outcome.exit_code) == (code, exit_code)
    assert outcome.hint
    assert [each.retryable for each in outcome.receipt.attempts] == [False]
    assert faulty_home.network.operations("PutObject") == ["PutObject"]


def test_a_captive_portal_is_recognised_at_the_first_request(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    faulty_home.network.on(fault=portal)
    outcome = faulty_home.sync()
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "NotS3"
    assert "captive portal" in outcome.hint
    assert len(faulty_home.network.asked) == 1


def test_a_clock_that_is_off_is_told_by_how_much(faulty_home: FaultyHome) -> None:
    def skewed(exchange: Exchange) -> None:
        exchange.body()
        there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
        body = faults.error_document("RequestTimeTooSkewed")
        exchange.client.sendall(
            f"HTTP/1.1 403 Forbidden\r\nDate: {there:%a, %d %b %Y %H:%M:%S} GMT\r\n"
            f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    faulty_home.write()
    faulty_home.network.on("PutObject", fault=skewed)
    outcome = faulty_home.sync()
    assert outcome.error is not None
    assert "clock is off by 7" in outcome.error


@pytest.mark.parametrize("kind", ["slow-down", "refused", "dns", "portal-502"])
def test_what_lasts_is_given_up_after_the_retries(faulty_home: FaultyHome, kind: str) -> None:
    faulty_home.write()
    expected = {"slow-down": "SlowDown", "refused": "Unreachable", "dns": "DNS"}.get(kind, "")
    if kind == "slow-down":
        faulty_home.network.on(fault=error(503, "SlowDown"))
    elif kind == "portal-502":
        faulty_home.network.on(
            fault=lambda exchange: exchange.answer(502, b"<html>bad</html>", kind="text/html")
        )
        expected = "HTTP502"
    elif kind == "refused":
        faulty_home.configure(akosha_cloud_endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    else:
        faulty_home.configure(
            akosha_cloud_endpoint="http://no-such-host.invalid:9000",
            akosha_allow_insecure_endpoint=True,
        )
    outcome = faulty_home.sync()
    assert outcome.exit_code == 5
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == expected
    assert len(outcome.receipt.attempts) == 3


def test_a_server_without_a_trusted_certificate_is_not_talked_to(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    with https_server(trustme.CA(), "127.0.0.1") as server:
        faulty_home.configure(akosha_cloud_endpoint=server.url_for("").rstrip("/"))
        outcome = faulty_home.sync()
        assert server.log == []
    assert outcome.receipt is not None
    assert outcome.receipt.error_code == "TLS"
    assert len(outcome.receipt.attempts) == 1
