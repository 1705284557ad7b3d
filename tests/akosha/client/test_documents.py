"""What a server says is decoded within bounds, and checked before it goes into a header."""

from __future__ import annotations

import json

import pytest

from akosha_hook.akosha.client import documents
from akosha_hook.akosha.client.documents import BadDocumentError, decode
from akosha_hook.errors import DeliveryError
from tests.akosha.client.conftest import call, session_to
from tests.support.mcp_fake import result_of
from tests.support.raw_http import raw_server, saying


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b"[" + b"1," * (documents.MAX_ITEMS + 1) + b"1]", "more than"),
        (b'["\xff"]', "utf-8"),
        (b"[", "truncated"),
        (b"{}", "Expected"),
    ],
)
def test_what_cannot_be_decoded_is_said(document: bytes, problem: str) -> None:
    with pytest.raises(BadDocumentError, match=problem):
        decode(document, list[object])


def test_what_can_be_is() -> None:
    assert decode(b"[1, 2]", list[int]) == [1, 2]


VERSIONS = [
    "2025-06-18\r\nX-Injected: 1",
    "2025\n",
    "zwölf",
    "",
    " ",
    "x" * 65,
    "\0",
    "2025-06-18 ",
    7,
]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_protocol_version_that_is_none_is_an_error_with_a_message(version: object) -> None:
    refuse_handshake({"protocolVersion": version}, "Mcp-Session-Id: a\r\n")


@pytest.mark.parametrize("session", ["a b", "s\xe9ance", "\x7f", "x" * 5000])
def test_a_session_id_that_is_none_is_an_error_with_a_message(session: str) -> None:
    refuse_handshake({"protocolVersion": "2025-06-18"}, f"Mcp-Session-Id: {session}\r\n")


@pytest.mark.parametrize(
    "result", [[], "x", 1, {"serverInfo": []}, {"serverInfo": {"version": {}}}]
)
def test_any_other_nonsense_is_an_error_with_a_message(result: object) -> None:
    refuse_handshake(result, "")


def refuse_handshake(result: object, headers: str) -> None:
    body = json.dumps(result_of(1, result)).encode()
    head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}"
    answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
    with raw_server(saying(answer)) as url, pytest.raises(DeliveryError, match="initialize with"):
        call(session_to(url))


@pytest.mark.parametrize("location", ["http://[", "http://a:b/", "//["])
def test_a_redirect_to_nonsense_is_an_error_with_a_message(location: str) -> None:
    answer = f"HTTP/1.1 307 T\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    with (
        raw_server(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(DeliveryError, match="redirects to nowhere"),
    ):
        call(session_to(url))
