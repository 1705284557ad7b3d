"""Whatever answers in place of an S3 server, only a DeliveryError comes out, short and printable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.errors import DeliveryError
from akosha_hook.state.receipt import Part
from akosha_hook.stores.s3.client import S3Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Request


MD5 = "0" * 32
CALLS: tuple[Callable[[S3Client], object], ...] = (
    lambda client: client.put("systems/k", b"x", {}),
    lambda client: client.create_multipart("systems/k", {}),
    lambda client: client.put_part("systems/k", "id", 1, b"x", MD5),
    lambda client: client.complete_multipart("systems/k", "id", [Part(1, 1, MD5, MD5)]),
    lambda client: client.abort_multipart("systems/k", "id"),
    lambda client: client.list_parts("systems/k", "id"),
    lambda client: client.unfinished("systems/"),
    lambda client: client.head("systems/k"),
    lambda client: client.get_range("systems/k", 0, 100),
    lambda client: client.get_range("systems/k", 0, 10),
    lambda client: list(client.objects("systems/")),
    lambda client: list(client.prefixes("systems/")),
    lambda client: client.delete("systems/k"),
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
        lambda code, message: XML[0].replace(b"\x1b", b"") % (code, message),
        st.sampled_from(CODES),
        st.sampled_from((b"", b"word " * 5000, b"&#9;&#10;")),
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


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(call=st.sampled_from(CALLS), status=STATUS, body=BODIES, headers=HEADERS)
def test_any_answer_is_a_result_or_a_delivery_error(
    httpserver: HTTPServer,
    client: S3Client,
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
    error = _raised_by(lambda: call(client))
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
    httpserver: HTTPServer, client: S3Client, date: str
) -> None:
    body = b"<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>"
    httpserver.expect_request("/memories/systems/k").respond_with_handler(
        lambda _: Response(body, 403, {"Content-Type": "application/xml", "Date": date})
    )
    with pytest.raises(DeliveryError, match="clock is off"):
        client.put("systems/k", b"x", {})


def test_what_a_server_says_is_cut_and_escaped(httpserver: HTTPServer, client: S3Client) -> None:
    body = XML[0].replace(b"\x1b", b"") % (b"A" * 5000, b"two\nlines " * 5000)
    httpserver.expect_request("/memories/systems/k").respond_with_handler(
        lambda _: Response(body, 400, {"Content-Type": "application/xml"})
    )
    with pytest.raises(DeliveryError, match="the server answered") as caught:
        client.put("systems/k", b"x", {})
    assert len(caught.value.message) < 1000
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("size", ["-1", "9" * 400, "1e3"])
def test_a_size_that_no_object_has_is_nonsense(
    httpserver: HTTPServer, client: S3Client, size: str
) -> None:
    entry = f"<Contents><Key>systems/k</Key><Size>{size}</Size></Contents>"
    httpserver.expect_request("/memories").respond_with_data(
        f"<L><Name>memories</Name>{entry}</L>", content_type="application/xml"
    )
    with pytest.raises(DeliveryError, match="cannot be understood"):
        list(client.objects("systems/"))


def test_a_time_that_no_calendar_has_is_none(httpserver: HTTPServer, client: S3Client) -> None:
    entry = (
        "<Key>systems/k</Key><Size>1</Size><LastModified>9999-12-31T23:59:59.999Z</LastModified>"
    )
    httpserver.expect_request("/memories").respond_with_data(
        f"<L><Name>memories</Name><Contents>{entry}</Contents></L>", content_type="application/xml"
    )
    assert [each.modified for each in client.objects("systems/")] == [0.0]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "call", CALLS[:1] + CALLS[7:9] + CALLS[10:11], ids=["put", "head", "get", "list"]
)
def test_a_redirect_leads_nowhere(
    httpserver: HTTPServer, client: S3Client, call: Callable[[S3Client], object], status: int
) -> None:
    """Signed requests, and memories, go to the configured server only."""
    elsewhere = httpserver.url_for("/elsewhere")
    httpserver.expect_request(re.compile("/memories.*")).respond_with_handler(
        lambda _: Response("", status, {"Location": elsewhere, "Content-Type": "application/xml"})
    )
    httpserver.expect_request("/elsewhere").respond_with_data("memories")
    with pytest.raises(DeliveryError):
        call(client)
    assert [each.path for each, _ in httpserver.log if each.path == "/elsewhere"] == []
