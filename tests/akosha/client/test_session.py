"""The protocol: opening, calling, answers in every form, sessions that the server lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.errors import DeliveryError
from tests.akosha.client.conftest import OK, call, session_to
from tests.support.mcp_fake import (
    TOOLS,
    FakeMcp,
    answering,
    as_events,
    as_json,
    error_of,
    plain,
    result_of,
    tool_result,
)
from tests.support.raw_http import holding, raw_server, saying


def test_a_session_follows_the_protocol(fake: FakeMcp, url: str) -> None:
    session = session_to(url)
    assert session.tools() == frozenset(TOOLS)
    assert call(session) == OK
    assert session.server_version == "9.9"
    session.close()
    assert fake.methods() == [
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
        "DELETE",
    ]
    first, *others = fake.requests
    assert "Mcp-Session-Id" not in first.headers
    for request in fake.requests[:-1]:
        assert request.headers["Content-Type"] == "application/json"
        assert {"application/json", "text/event-stream"} <= set(
            request.headers["Accept"].replace(" ", "").split(",")
        )
    for request in others:
        assert request.headers["Mcp-Session-Id"] == "session-1"
        assert request.headers["MCP-Protocol-Version"] == "2025-03-26"


def test_the_answer_is_found_in_a_stream_with_other_messages(fake: FakeMcp, url: str) -> None:
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x"}}
    ping = {"jsonrpc": "2.0", "id": 3, "method": "ping"}
    fake.answers = [lambda id_: as_events(log, ping, result_of(id_, tool_result(OK)), log)]
    assert call(session_to(url)) == OK


def test_the_answer_may_be_one_of_a_list(fake: FakeMcp, url: str) -> None:
    fake.answers = [lambda id_: as_json([result_of(99, {}), result_of(id_, tool_result(OK))])]
    assert call(session_to(url)) == OK


def test_a_result_without_structure_is_read_from_its_text(fake: FakeMcp, url: str) -> None:
    fake.answers = [answering({"content": [{"type": "text", "text": '{"ok": true}'}]})]
    assert call(session_to(url)) == OK


def test_a_stream_that_stays_open_after_the_answer_is_not_waited_for() -> None:
    hello = b"data: " + json.dumps(result_of(1, {"protocolVersion": "x"})).encode() + b"\n\n"
    answer = b"data: " + json.dumps(result_of(2, tool_result(OK))).encode() + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    accepted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    with raw_server(holding(head + hello), saying(accepted), holding(head + answer)) as url:
        assert call(session_to(url)) == OK


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_with_a_passing_problem_is_asked_again(
    fake: FakeMcp, url: str, status: int
) -> None:
    fake.answers = [plain(Response("busy", status=status))] * 2
    assert call(session_to(url, retries=2)) == OK


def test_retries_end_with_the_servers_own_words(fake: FakeMcp, url: str) -> None:
    fake.answers = [plain(Response("disk on fire", status=503))] * 3
    with pytest.raises(DeliveryError, match="HTTP 503: disk on fire") as caught:
        call(session_to(url, retries=2))
    assert caught.value.retryable
    assert fake.methods().count("tools/call") == 3


@pytest.mark.parametrize(
    "response",
    [
        as_events("this is no message"),
        Response("data: {\n\n", content_type="text/event-stream"),
        Response("data: {}", content_type="text/event-stream"),
        Response("", content_type="text/event-stream"),
        Response("{", content_type="application/json"),
        Response("", content_type="application/json"),
        Response(b"\xff\xfe", content_type="application/json"),
        as_json({"jsonrpc": "2.0", "id": 12345, "result": {}}),
        as_json({"jsonrpc": "2.0", "method": "notifications/message"}),
        as_json([]),
    ],
)
def test_an_answer_outside_the_protocol_is_asked_for_again_and_then_reported(
    fake: FakeMcp, url: str, response: Response
) -> None:
    fake.answers = [plain(response)]
    assert call(session_to(url, retries=1)) == OK
    fake.answers = [plain(response)]
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url))
    assert caught.value.code == "bad-answer"
    assert caught.value.retryable


def test_a_result_of_another_shape_is_a_bad_answer(fake: FakeMcp, url: str) -> None:
    fake.answers = [answering(tool_result({"ok": "perhaps"}))]
    with pytest.raises(DeliveryError) as caught:
        session_to(url).call("batch_store_memories", {}, dict[str, bool])
    assert caught.value.code == "bad-answer"


@pytest.mark.parametrize(
    "stale",
    [
        plain(as_json(error_of(0, -32600, "Session not found"))),
        plain(as_json(error_of(0, -32600, "Bad Request: Missing session ID"))),
    ],
)
def test_a_forgotten_session_is_opened_anew_without_a_retry(
    fake: FakeMcp, url: str, stale: Any
) -> None:
    response = stale(0)
    response.status_code = 404 if "not found" in response.get_data(as_text=True) else 400
    fake.answers = [plain(response)]
    assert call(session_to(url, retries=0)) == OK
    assert fake.sessions == 2
    assert fake.requests[-1].headers["Mcp-Session-Id"] == "session-2"


def test_a_server_that_drops_every_session_is_reported(fake: FakeMcp, url: str) -> None:
    fake.answers = [plain(Response("Session not found", status=404))] * 4
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url, retries=1))
    assert caught.value.code == "stale-session"


def test_a_rate_limit_is_waited_out(fake: FakeMcp, url: str) -> None:
    fake.answers = [lambda id_: as_json(error_of(id_, -32000, "Rate limit exceeded"))]
    with pytest.raises(DeliveryError, match="Rate limit exceeded"):
        call(session_to(url))
    fake.answers = [lambda id_: as_json(error_of(id_, -32000, "Rate limit exceeded"))]
    assert call(session_to(url, retries=1)) == OK


def test_closing_a_session_on_a_server_that_is_gone_does_not_fail() -> None:
    with HTTPServer(host="127.0.0.1") as server:
        FakeMcp().attach(server)
        session = session_to(server.url_for("").rstrip("/"))
        call(session)
    session.close()


def test_a_long_list_of_tools_is_read_to_its_end(
    fake: FakeMcp, httpserver: HTTPServer, url: str
) -> None:
    def pages(id_: int, cursor: str | None) -> dict[str, object]:
        if cursor is None:
            return result_of(id_, {"tools": [{"name": "first"}], "nextCursor": "2"})
        return result_of(id_, {"tools": [{"name": "second"}]})

    fake.list_tools = pages
    assert session_to(url).tools() == frozenset({"first", "second"})


def test_a_server_that_cannot_list_its_tools_may_have_them(fake: FakeMcp, url: str) -> None:
    fake.list_tools = lambda id_, _: error_of(id_, -32601, "Method not found")
    assert session_to(url).tools() is None
