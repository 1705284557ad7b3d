"""Answers and listings without end are given up, in bounded memory and time."""

from __future__ import annotations

import re
import socket
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.stores.s3 import client as adapter
from akosha_hook.stores.s3.client import S3Client
from tests.support.raw_http import raw_server
from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Request


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
        lambda client: list(client.objects("systems/")),
        lambda client: client.list_parts("systems/k", "id"),
        lambda client: client.create_multipart("systems/k", {}),
        lambda client: client.put("systems/k", b"x", {}),
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
                call(open_plain(url))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 32 * 1024 * 1024


def test_an_error_without_end_for_an_object_is_cut_too() -> None:
    with (
        raw_server(_endless("application/xml", "403 Forbidden")) as url,
        pytest.raises(DeliveryError, match="too long"),
    ):
        open_plain(url).get_range("systems/k", 0, 100)


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_range("systems/k", 0, 10**12),
        lambda client: client.put("systems/k", b"x", {}),
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
        call(open_plain(url, seconds=0.5))


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


def test_a_listing_without_end_is_given_up(client: S3Client, pages: list[str]) -> None:
    with pytest.raises(DeliveryError, match="never ends"):
        list(client.objects("systems/"))
    assert len(pages) <= 4


def test_a_list_of_folders_without_end_is_given_up(client: S3Client, pages: list[str]) -> None:
    with pytest.raises(DeliveryError, match="never ends"):
        list(client.prefixes("systems/"))
    assert len(pages) <= 4


def test_a_list_of_parts_that_repeats_itself_is_given_up(
    httpserver: HTTPServer, client: S3Client
) -> None:
    part = "<Part><PartNumber>1</PartNumber><Size>1</Size><ETag>e</ETag></Part>"
    body = f"<ListPartsResult><IsTruncated>true</IsTruncated>{part}</ListPartsResult>"
    httpserver.expect_request("/memories/systems/k").respond_with_data(
        body, content_type="application/xml"
    )
    with pytest.raises(DeliveryError, match="never ends"):
        client.list_parts("systems/k", "id")


def test_a_list_of_unfinished_uploads_without_end_is_given_up(
    httpserver: HTTPServer, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MAX_LISTED", 3)
    upload = "<Upload><Key>systems/k</Key><UploadId>1</UploadId></Upload>"
    body = f"<L><IsTruncated>true</IsTruncated>{upload * 2}</L>"
    httpserver.expect_request("/memories").respond_with_data(body, content_type="application/xml")
    with pytest.raises(DeliveryError, match="never ends"):
        client.unfinished("systems/")
