"""Whatever can go wrong on the way to an S3 server, as a user hears of it and code decides by it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import pytest
import trustme
import urllib3.exceptions as http
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import DeadlinePassedError, DeliveryError, ExitCode, Kind
from akosha_hook.settings import Settings
from akosha_hook.stores.s3.codes import HIDDEN_HINT
from akosha_hook.stores.s3.failures import (
    DamagedPartError,
    EndlessError,
    NotS3Error,
    TooLongError,
    classify,
    verification_failed,
)
from tests.support.contract import Place, keys
from tests.support.tls import https_server

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.paths import Paths


CONNECTION = HTTPConnection("storage.test")


def classified(error: Exception, *, reads: bool = False) -> DeliveryError:
    return classify(error, what="storing key", subject="Subject", reads=reads)


def document(code: str, *, status: int = 403, headers: dict[str, str] | None = None) -> S3Error:
    response = HTTPResponse(status=status, headers=HTTPHeaderDict(headers or {}))
    return S3Error(response, code, "no", "/memories/key", "request-1", "host")


def foreign(status: int, kind: str, body: str) -> InvalidResponseError:
    """What minio-py raises for an answer that is not application/xml."""
    return InvalidResponseError(status, kind, body)


def test_what_is_classified_already_stays_what_it_is() -> None:
    passed = DeadlinePassedError(5)
    assert classified(passed) is passed


def test_a_fault_of_our_own_is_not_taken_for_the_servers() -> None:
    with pytest.raises(ZeroDivisionError):
        classified(ZeroDivisionError())


@pytest.mark.parametrize(
    ("error", "kind", "code", "retryable"),
    [
        (NotS3Error(200), Kind.BAD_ANSWER, "NotS3", False),
        (TooLongError(200), Kind.BAD_ANSWER, "TooLong", False),
        (TooLongError(503), Kind.BAD_ANSWER, "TooLong", True),
        (EndlessError(), Kind.BAD_ANSWER, "BadAnswer", False),
        (DamagedPartError("BadDigest", "part 1 is damaged"), Kind.DAMAGED, "BadDigest", True),
        (ServerError("", 502), Kind.UNREACHABLE, "HTTP502", True),
        (ServerError("", 429), Kind.THROTTLED, "HTTP429", True),
        (ValueError("no upload id"), Kind.BAD_ANSWER, "BadAnswer", True),
        (ParseError(), Kind.BAD_ANSWER, "BadAnswer", True),
        (http.NewConnectionError(CONNECTION, "refused"), Kind.UNREACHABLE, "Unreachable", True),
        (http.ReadTimeoutError(None, "/", "slow"), Kind.TIMED_OUT, "Timeout", True),  # type: ignore[arg-type]
        (http.ProxyError("no", OSError()), Kind.UNREACHABLE, "Proxy", True),
        (http.ProtocolError("broken"), Kind.UNREACHABLE, "ConnectionReset", True),
        (ConnectionResetError(), Kind.UNREACHABLE, "ConnectionReset", True),
        (TimeoutError(), Kind.TIMED_OUT, "Timeout", True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_what_went_wrong_decides_the_kind(
    error: Exception, kind: Kind, code: str, retryable: bool
) -> None:
    classed = classified(error)
    assert (classed.kind, classed.code, classed.retryable) == (kind, code, retryable)
    assert classed.exit_code == ExitCode.UNREACHABLE
    assert classed.message.startswith("Subject: ")


def test_the_cause_below_urllib3s_retries_counts() -> None:
    cause = http.ReadTimeoutError(None, "/", "slow")  # type: ignore[arg-type]
    assert classified(http.MaxRetryError(None, "/", cause)).kind is Kind.TIMED_OUT  # type: ignore[arg-type]


def test_a_host_without_an_address_is_named_as_such() -> None:
    import socket

    error = http.NameResolutionError("storage.test", CONNECTION, socket.gaierror())
    classed = classified(error)
    assert (classed.code, classed.retryable) == ("DNS", True)
    assert "cannot be resolved" in classed.message


def test_a_text_document_with_a_code_is_s3_all_the_same() -> None:
    """rclone's errors are text/xml."""
    error = classified(foreign(404, "text/xml", "<Error><Code>NoSuchKey</Code></Error>"))
    assert (error.kind, error.code) == (Kind.MISSING, "NoSuchKey")


@pytest.mark.parametrize(
    ("status", "code", "retryable"), [(404, "NotS3", False), (502, "HTTP502", True)]
)
def test_a_page_without_a_code_is_no_s3(status: int, code: str, retryable: bool) -> None:
    error = classified(foreign(status, "text/html", "<html>"))
    assert (error.code, error.retryable) == (code, retryable)


def test_a_read_that_is_denied_may_be_of_an_object_that_is_not_there() -> None:
    denied = document("AccessDenied")
    assert HIDDEN_HINT in classified(denied, reads=True).hint
    assert HIDDEN_HINT not in classified(denied).hint


def test_a_request_id_is_kept_for_the_providers_support() -> None:
    assert classified(document("SlowDown")).request_id == "request-1"


def test_a_clock_that_is_off_is_reported_with_by_how_much() -> None:
    there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    date = {"Date": f"{there:%a, %d %b %Y %H:%M:%S} GMT"}
    error = classified(document("RequestTimeTooSkewed", headers=date))
    assert "clock is off by 7" in error.message
    assert error.retryable is False


def test_a_stored_object_that_differs_is_sent_again() -> None:
    error = verification_failed("Subject", "key is not what was sent")
    assert (error.kind, error.code, error.retryable) == (Kind.DAMAGED, "VerifyFailed", True)


def failure(paths: Paths, endpoint: str) -> DeliveryError:
    """The error of asking for an object there."""
    settings = Settings(akosha_cloud_endpoint=endpoint, akosha_cloud_bucket="memories")
    with pytest.raises(DeliveryError) as caught:
        Place(settings, keys("access", "secret")).open(paths).head("systems/key")
    return caught.value


def test_a_certificate_that_nobody_vouches_for(paths: Paths) -> None:
    with https_server(trustme.CA(), "127.0.0.1") as server:
        error = failure(paths, server.url_for("").rstrip("/"))
    assert "certificate verify failed: unable to get local issuer" in error.message
    assert "akosha_ca_file" in error.hint
    assert not error.retryable


def test_a_certificate_of_another_host(paths: Paths) -> None:
    authority = trustme.CA()
    with https_server(authority, "elsewhere.test") as server:
        error = failure(paths, f"https://127.0.0.1:{server.port}")
    assert "certificate verify failed" in error.message


def test_tls_with_a_server_that_has_none(paths: Paths, httpserver: HTTPServer) -> None:
    error = failure(paths, f"https://127.0.0.1:{httpserver.port}")
    assert "is the endpoint an http:// one?" in error.hint
    assert not error.retryable


def test_a_port_where_nothing_listens(paths: Paths) -> None:
    error = failure(paths, f"http://127.0.0.1:{free_ports(1)[0]}")
    assert error.kind is Kind.UNREACHABLE
    assert "it refuses connections" in error.message
    assert error.retryable
