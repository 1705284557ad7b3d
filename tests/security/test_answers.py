"""Whatever answers in place of an S3 server, only a DeliveryError comes out, short and printable."""

from __future__ import annotations

import re
import socket
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from minio import Minio
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.state.receipt import Part
from akosha_hook.stores.s3 import bucket as adapter
from akosha_hook.stores.s3.bounded import BoundedHttp
from akosha_hook.stores.s3.client import S3Client
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.raw_http import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Request

MD5 = "0" * 32
CALLS: tuple[Callable[[S3Client], object], ...] = (
    lambda bucket: bucket.put("systems/k", b"x", {}),
    lambda bucket: bucket.create_multipart("systems/k", {}),
    lambda bucket: bucket.put_part("systems/k", "id", 1, b"x", MD5),
    lambda bucket: bucket.complete_multipart("systems/k", "id", [Part(1, 1, MD5, MD5)]),
    lambda bucket: bucket.abort_multipart("systems/k", "id"),
    lambda bucket: bucket.list_parts("systems/k", "id"),
    lambda bucket: bucket.unfinished("systems/"),
    lambda bucket: bucket.head("systems/k"),
    lambda bucket: bucket.get_range("systems/k", 0, 100),
    lambda bucket: bucket.get_range("systems/k", 0, 10),
    lambda bucket: list(bucket.objects("systems/")),
    lambda bucket: list(bucket.prefixes("systems/")),
    lambda bucket: bucket.delete("systems/k"),
)
XML = (
    b"<Error><Code>%s</Code><Message>%s</Message><RequestId>\x1b[2J</RequestId></Error>",
    b"<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>",
    b"<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>",
    b"<ListBucketResult><Contents><Key>k</Key><Size>-x</Size></Contents></ListBucketResult>",
    b"<a>" * 2000,
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
)
CODES = (b"SlowDown", b"AccessDenied", b"RequestTimeTooSkewed", b"\xf0\x9f\x92\xa9", b"A" * 5000)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(XML[1:]),
    st.builds(
        lambda code, said: XML[0].replace(b"\x1b", b"") % (code, said),
        st.sampled_from(CODES),
        st.sampled_from((b"", b"said " * 5000, b"&#9;&#10;")),
    ),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(("application/xml", "text/html", "x", "")),
        "ETag": st.sampled_from(("", '"', "W/x", MD5)),
        "Content-Range": st.just("bytes x-y/z"),
        "Last-Modified": st.just("yesterday"),
        "Content-Encoding": st.sampled_from(("gzip", "br", "x")),
        "Date": st.sampled_from(("soon", "")),
        "x-amz-error-code": st.just("Odd"),
    },
)
STATUS = st.sampled_from(
    (200, 204, 206, 301, 307, 400, 403, 404, 409, 412, 416, 429, 500, 501, 503)
)


def opened(url: str, *, seconds: float = 120.0) -> S3Client:
    host = url.removeprefix("http://").rstrip("/")
    client = Minio(host, "key", "secret-secret", secure=False, region="us-east-1")
    deadline = Deadline(seconds)
    client._http = BoundedHttp(urllib3.PoolManager(), deadline, None)  # type: ignore[assignment]
    return S3Client(client, "memories", RetryPolicy(0, 0.0, deadline))


@pytest.fixture
def bucket(httpserver: HTTPServer) -> S3Client:
    return opened(httpserver.url_for(""))


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=st.sampled_from(CALLS), status=STATUS, body=BODIES, headers=HEADERS)
def test_any_answer_is_a_result_or_a_delivery_error(
    httpserver: HTTPServer,
    bucket: S3Client,
    call: Callable[[S3Client], object],
    status: int,
    body: bytes,
    headers: dict[str, str],
) -> None:
    httpserver.clear()
    asked = 0

    def answer(request: Request) -> Response:
        nonlocal asked
        asked += 1
        # A listing that never ends is cut by the deadline; here by an answer without more.
        if asked > 5:
            return Response(
                b"<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml"
            )
        return Response(body, status, headers)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    error = _raised_by(lambda: call(bucket))
    if error is not None:
        assert len(error.message) < 1000
        assert error.message.isprintable()
        assert len(error.code) < 400
        assert error.request_id.isprintable()


def _raised_by(call: Callable[[], object]) -> DeliveryError | None:
    try:
        call()
    except DeliveryError as error:
        return error
    return None


@pytest.mark.parametrize("date", ["soon", "", "Mon, 99 Foo 99999 99:99:99 GMT"])
def test_a_clock_that_cannot_be_read_is_still_told(
    httpserver: HTTPServer, bucket: S3Client, date: str
) -> None:
    body = b"<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>"
    httpserver.expect_request("/memories/systems/k").respond_with_handler(
        lambda _: Response(body, 403, {"Content-Type": "application/xml", "Date": date})
    )
    with pytest.raises(DeliveryError, match="clock is off"):
        bucket.put("systems/k", b"x", {})


def test_what_a_server_says_is_cut_and_escaped(httpserver: HTTPServer, bucket: S3Client) -> None:
    body = XML[0].replace(b"\x1b", b"") % (b"A" * 5000, b"two\nlines " * 5000)
    httpserver.expect_request("/memories/systems/k").respond_with_handler(
        lambda _: Response(body, 400, {"Content-Type": "application/xml"})
    )
    with pytest.raises(DeliveryError, match="the server answered") as caught:
        bucket.put("systems/k", b"x", {})
    assert len(caught.value.message) < 1000
    assert caught.value.message.isprintable()


def _endless(kind: str, status: str) -> Callable[[socket.socket], None]:
    """An answer that says how it begins, and never ends."""

    def turn(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n<a>"
        connection.sendall(head.encode())
        while True:
            connection.sendall(b"<b/>" * 16_384)

    return turn


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "500 Oh"])
@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: list(bucket.objects("systems/")),
        lambda bucket: bucket.list_parts("systems/k", "id"),
        lambda bucket: bucket.create_multipart("systems/k", {}),
        lambda bucket: bucket.put("systems/k", b"x", {}),
    ],
    ids=["list", "parts", "begin", "put"],
)
def test_an_answer_without_end_is_cut_in_bounded_memory(
    call: Callable[[S3Client], object], status: str
) -> None:
    with raw_server(_endless("application/xml", status)) as url:
        tracemalloc.start()
        try:
            with pytest.raises(DeliveryError, match="too long"):
                call(opened(url))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


def test_an_error_without_end_for_an_object_is_cut_too() -> None:
    with (
        raw_server(_endless("application/xml", "403 Forbidden")) as url,
        pytest.raises(DeliveryError, match="too long"),
    ):
        opened(url).get_range("systems/k", 0, 100)


@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: bucket.get_range("systems/k", 0, 10**12),
        lambda bucket: bucket.put("systems/k", b"x", {}),
    ],
    ids=["object", "document"],
)
def test_an_answer_that_trickles_in_ends_with_the_deadline(
    call: Callable[[S3Client], object],
) -> None:
    """Every byte is in time; only the sum is not."""

    def trickle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 99999999999\r\n\r\n"
        )
        while True:
            connection.sendall(b"x")

    with raw_server(trickle) as url, pytest.raises(DeadlinePassedError):
        call(opened(url, seconds=0.5))


def _page(first: int) -> bytes:
    """A full page of a listing that says it is not the last."""
    keys = (f"systems/{number:09}" for number in range(first, first + adapter.PAGE))
    entries = "".join(
        f"<Contents><Key>{key}</Key><Size>1</Size>"
        "<LastModified>2026-11-22T12:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    truncated = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    return (
        f"<ListBucketResult><Name>memories</Name>{truncated}{entries}</ListBucketResult>".encode()
    )


@pytest.fixture
def pages(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A server whose listing goes on for ever, and three pages as the most we believe."""
    monkeypatch.setattr(adapter, "MAX_LISTED", 3 * adapter.PAGE)
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.url)
        return Response(_page(len(asked) * adapter.PAGE), content_type="application/xml")

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    return asked


def test_a_listing_without_end_is_given_up(bucket: S3Client, pages: list[str]) -> None:
    with pytest.raises(DeliveryError, match="does not come to an end"):
        list(bucket.objects("systems/"))
    assert len(pages) <= 4


def test_a_list_of_folders_without_end_is_given_up(bucket: S3Client, pages: list[str]) -> None:
    with pytest.raises(DeliveryError, match="does not come to an end"):
        bucket.prefixes("systems/")
    assert len(pages) <= 4


def test_a_list_of_parts_that_repeats_itself_is_given_up(
    httpserver: HTTPServer, bucket: S3Client
) -> None:
    part = "<Part><PartNumber>1</PartNumber><Size>1</Size><ETag>e</ETag></Part>"
    body = f"<ListPartsResult><IsTruncated>true</IsTruncated>{part}</ListPartsResult>"
    httpserver.expect_request("/memories/systems/k").respond_with_data(
        body, content_type="application/xml"
    )
    with pytest.raises(DeliveryError, match="does not come to an end"):
        bucket.list_parts("systems/k", "id")


def test_a_list_of_unfinished_uploads_without_end_is_given_up(
    httpserver: HTTPServer, bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MAX_LISTED", 3)
    upload = "<Upload><Key>systems/k</Key><UploadId>1</UploadId></Upload>"
    body = f"<L><IsTruncated>true</IsTruncated>{upload * 2}</L>"
    httpserver.expect_request("/memories").respond_with_data(body, content_type="application/xml")
    with pytest.raises(DeliveryError, match="does not come to an end"):
        bucket.unfinished("systems/")


@pytest.mark.parametrize("size", ["-1", "9" * 400, "1e3"])
def test_a_size_that_no_object_has_is_nonsense(
    httpserver: HTTPServer, bucket: S3Client, size: str
) -> None:
    entry = f"<Contents><Key>systems/k</Key><Size>{size}</Size></Contents>"
    httpserver.expect_request("/memories").respond_with_data(
        f"<L><Name>memories</Name>{entry}</L>", content_type="application/xml"
    )
    with pytest.raises(DeliveryError, match="makes no sense"):
        list(bucket.objects("systems/"))


def test_a_time_that_no_calendar_has_is_none(httpserver: HTTPServer, bucket: S3Client) -> None:
    entry = (
        "<Key>systems/k</Key><Size>1</Size><LastModified>9999-12-31T23:59:59.999Z</LastModified>"
    )
    httpserver.expect_request("/memories").respond_with_data(
        f"<L><Name>memories</Name><Contents>{entry}</Contents></L>", content_type="application/xml"
    )
    assert [each.modified for each in bucket.objects("systems/")] == [0.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "call", CALLS[:1] + CALLS[7:9] + CALLS[10:11], ids=["put", "head", "get", "list"]
)
def test_a_redirect_leads_nowhere(
    httpserver: HTTPServer, bucket: S3Client, call: Callable[[S3Client], object], status: int
) -> None:
    """Signed requests, and memories, go to the configured server only."""
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request(re.compile("/memories.*")).respond_with_handler(
        lambda _: Response("", status, {"Location": elsewhere, "Content-Type": "application/xml"})
    )
    httpserver.expect_request("/elsewhere").respond_with_data("memories")
    with pytest.raises(DeliveryError):
        call(bucket)
    assert [each.path for each, _ in httpserver.log if each.path == "/elsewhere"] == []
