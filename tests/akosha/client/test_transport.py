"""Requests to one server: limits, deadlines, redirects, certificates, the token."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha.client import transport as transport_module
from akosha_hook.akosha.client.probing import connect
from akosha_hook.akosha.client.session import Session
from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.settings.fields import Settings
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.akosha.client.conftest import OK, call, session_to
from tests.support.mcp_fake import (
    FakeMcp,
    answering,
    result_of,
    tool_result,
)
from tests.support.raw_http import dripping, holding, raw_server, reset, saying
from tests.support.tls import https_server, write_ca


@pytest.mark.parametrize("suffix", ["", "/", "/mcp", "/mcp/"])
def test_the_url_may_end_in_mcp(fake: FakeMcp, url: str, suffix: str) -> None:
    assert call(session_to(url + suffix)) == OK


def test_a_broken_connection_is_tried_again(fake: FakeMcp, url: str) -> None:
    hello = json.dumps(result_of(1, {})).encode()
    # Each turn is one connection: one that the client used again would be answered by nobody.
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
    good = head + b"Content-Length: %d\r\n\r\n"
    short = head + b"Content-Length: 9999\r\n\r\n{"
    accepted = b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    answer = json.dumps(result_of(3, tool_result(OK))).encode()
    with raw_server(
        reset,
        saying(good % len(hello) + hello.replace(b'"id": 1', b'"id": 2')),
        saying(accepted),
        saying(short),
        saying(good % len(answer) + answer.replace(b'"id": 3', b'"id": 4')),
    ) as raw:
        assert call(session_to(raw, retries=2)) == OK


def test_an_endless_answer_is_cut_off(
    fake: FakeMcp, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_ANSWER_BYTES", 1000)
    fake.answers = [answering(tool_result({"filler": "x" * 2000}))]
    with pytest.raises(DeliveryError, match="more than 1,000 bytes"):
        call(session_to(url))


def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with raw_server(dripping(head)) as url, pytest.raises(DeadlinePassedError):
        call(session_to(url, seconds=0.5))


def test_silence_ends_with_the_deadline() -> None:
    with raw_server(holding(b"")) as url, pytest.raises(DeliveryError) as caught:
        call(session_to(url, seconds=0.5))
    assert caught.value.code == "timeout"


def test_the_token_is_a_bearer_token_on_every_request(fake: FakeMcp, url: str) -> None:
    session = session_to(url, environ={"AKOSHA_TOKEN": "top-secret-token"})
    call(session)
    session.close()
    assert {each.headers.get("Authorization") for each in fake.requests} == {
        "Bearer top-secret-token"
    }


def test_a_redirect_within_the_server_is_followed_with_the_body(
    fake: FakeMcp, httpserver: HTTPServer, url: str
) -> None:
    httpserver.clear()
    httpserver.expect_request("/mcp").respond_with_response(
        Response(status=307, headers={"Location": "/mcp/"})
    )
    httpserver.expect_request("/mcp/").respond_with_handler(fake)
    assert call(session_to(url)) == OK


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_gets_neither_token_nor_memories(
    httpserver: HTTPServer, url: str, status: int
) -> None:
    with HTTPServer(host="127.0.0.1") as other:
        other.expect_request("/mcp").respond_with_data("{}")
        target = other.url_for("/mcp")
        httpserver.expect_request("/mcp").respond_with_response(
            Response(status=status, headers={"Location": target})
        )
        with pytest.raises(DeliveryError, match="redirects to") as caught:
            call(session_to(url, environ={"AKOSHA_TOKEN": "top-secret-token"}))
        assert other.log == []
    assert caught.value.code == "redirect"
    assert target in caught.value.message


def test_a_redirect_loop_ends(httpserver: HTTPServer, url: str) -> None:
    httpserver.expect_request("/mcp").respond_with_response(
        Response(status=307, headers={"Location": "/mcp"})
    )
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url))
    assert caught.value.code == "redirect"


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    with https_server(authority, "127.0.0.1") as server:
        mcp = FakeMcp()
        mcp.attach(server)
        url = server.url_for("").rstrip("/")
        with pytest.raises(DeliveryError) as caught:
            call(session_to(url, environ={"AKOSHA_TOKEN": "top-secret-token"}))
        assert caught.value.code == "tls"
        assert "akosha_ca_file" in caught.value.hint
        assert mcp.requests == []
        ca_file = str(write_ca(authority, tmp_path / "ca.pem"))
        assert call(session_to(url, akosha_ca_file=ca_file)) == OK


def test_what_was_sent_is_counted(fake: FakeMcp, url: str) -> None:
    deadline = Deadline(60)
    transport = connect(Settings(akosha_http_url=url), {}, deadline)
    call(Session(transport, RetryPolicy(0, 0.0, deadline)))
    assert transport.bytes_sent == sum(len(each.get_data()) for each in fake.requests)
    assert transport.bytes_sent > len(msgspec.json.encode(fake.documents[0]))
