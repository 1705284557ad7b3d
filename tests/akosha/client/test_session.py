from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha.client import transport as transport_module
from akosha_hook.akosha.client.failures import NotRunningError
from akosha_hook.akosha.client.probing import connect
from akosha_hook.akosha.client.session import Session
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import CredentialsError, DeadlinePassedError, DeliveryError
from akosha_hook.settings.fields import Settings
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.mcp_fake import (
    TOOLS,
    FakeMcp,
    as_events,
    as_json,
    error_of,
    plain,
    result_of,
    told,
    tool_failure,
    tool_result,
)
from tests.support.raw_http import dripping, holding, raw_server, reset, saying
from tests.support.tls import https_server, write_ca

OK = {"ok": True}


def session_to(
    url: str,
    *,
    retries: int = 0,
    seconds: float = 60,
    environ: dict[str, str] | None = None,
    **settings: Any,
) -> Session:
    deadline = Deadline(seconds)
    transport = connect(Settings(akosha_http_url=url, **settings), environ or {}, deadline)
    return Session(transport, RetryPolicy(retries, 0.0, deadline, wait=lambda _: None))


def call(session: Session) -> dict[str, Any]:
    return session.call("batch_store_memories", {"memories": []}, dict[str, Any])


@pytest.fixture
def fake(httpserver: HTTPServer) -> FakeMcp:
    mcp = FakeMcp()
    mcp.attach(httpserver)
    return mcp


@pytest.fixture
def url(httpserver: HTTPServer) -> str:
    return httpserver.url_for("").rstrip("/")


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


@pytest.mark.parametrize("suffix", ["", "/", "/mcp", "/mcp/"])
def test_the_url_may_end_in_mcp(fake: FakeMcp, url: str, suffix: str) -> None:
    assert call(session_to(url + suffix)) == OK


def test_the_answer_is_found_in_a_stream_with_other_messages(fake: FakeMcp, url: str) -> None:
    log = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x"}}
    ping = {"jsonrpc": "2.0", "id": 3, "method": "ping"}
    fake.answers = [lambda id_: as_events(log, ping, result_of(id_, tool_result(OK)), log)]
    assert call(session_to(url)) == OK


def test_the_answer_may_be_one_of_a_list(fake: FakeMcp, url: str) -> None:
    fake.answers = [lambda id_: as_json([result_of(99, {}), result_of(id_, tool_result(OK))])]
    assert call(session_to(url)) == OK


def test_a_result_without_structure_is_read_from_its_text(fake: FakeMcp, url: str) -> None:
    fake.answers = [told({"content": [{"type": "text", "text": '{"ok": true}'}]})]
    assert call(session_to(url)) == OK


def test_a_stream_that_stays_open_after_the_answer_does_not_hold_us_up() -> None:
    hello = b"data: " + json.dumps(result_of(1, {"protocolVersion": "x"})).encode() + b"\n\n"
    answer = b"data: " + json.dumps(result_of(2, tool_result(OK))).encode() + b"\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    accepted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    with raw_server(holding(head + hello), saying(accepted), holding(head + answer)) as url:
        assert call(session_to(url)) == OK


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(fake: FakeMcp, url: str, status: int) -> None:
    fake.answers = [plain(Response("busy", status=status))] * 2
    assert call(session_to(url, retries=2)) == OK


def test_retries_end_with_the_servers_own_words(fake: FakeMcp, url: str) -> None:
    fake.answers = [plain(Response("disk on fire", status=503))] * 3
    with pytest.raises(DeliveryError, match="HTTP 503: disk on fire") as caught:
        call(session_to(url, retries=2))
    assert caught.value.retryable
    assert fake.methods().count("tools/call") == 3


def test_a_broken_connection_is_tried_again(fake: FakeMcp, url: str) -> None:
    hello = json.dumps(result_of(1, {})).encode()
    good = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    short = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{"
    accepted = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
    answer = json.dumps(result_of(3, tool_result(OK))).encode()
    with raw_server(
        reset,
        saying(good % len(hello) + hello.replace(b'"id": 1', b'"id": 2')),
        saying(accepted),
        saying(short),
        saying(good % len(answer) + answer.replace(b'"id": 3', b'"id": 4')),
    ) as raw:
        assert call(session_to(raw, retries=2)) == OK


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
def test_nonsense_is_asked_for_again_and_then_named(
    fake: FakeMcp, url: str, response: Response
) -> None:
    fake.answers = [plain(response)]
    assert call(session_to(url, retries=1)) == OK
    fake.answers = [plain(response)]
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url))
    assert caught.value.code == "bad-answer"
    assert caught.value.retryable


def test_a_result_of_another_shape_is_no_result(fake: FakeMcp, url: str) -> None:
    fake.answers = [told(tool_result({"ok": "perhaps"}))]
    with pytest.raises(DeliveryError) as caught:
        session_to(url).call("batch_store_memories", {}, dict[str, bool])
    assert caught.value.code == "bad-answer"


def test_an_endless_answer_is_cut_off(
    fake: FakeMcp, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_ANSWER_BYTES", 1000)
    fake.answers = [told(tool_result({"filler": "x" * 2000}))]
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


def test_a_server_that_forgets_every_session_is_named(fake: FakeMcp, url: str) -> None:
    fake.answers = [plain(Response("Session not found", status=404))] * 4
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url, retries=1))
    assert caught.value.code == "stale-session"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_told_by_the_name_of_its_variable(
    fake: FakeMcp, url: str, status: int
) -> None:
    fake.answers = [plain(Response("no", status=status))] * 2
    with pytest.raises(CredentialsError, match="refused the token in AKOSHA_TOKEN") as caught:
        call(session_to(url, retries=3, environ={"AKOSHA_TOKEN": "top-secret-token"}))
    assert "top-secret-token" not in caught.value.message + caught.value.hint
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN is not set"):
        call(session_to(url))
    assert fake.methods().count("tools/call") == 2


def test_the_token_is_a_bearer_token_on_every_request(fake: FakeMcp, url: str) -> None:
    session = session_to(url, environ={"AKOSHA_TOKEN": "top-secret-token"})
    call(session)
    session.close()
    assert {each.headers.get("Authorization") for each in fake.requests} == {
        "Bearer top-secret-token"
    }


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "nul\0"])
def test_a_token_that_is_none_is_refused_before_it_is_sent(url: str, token: str) -> None:
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN") as caught:
        session_to(url, environ={"AKOSHA_TOKEN": token})
    assert token not in caught.value.message


@pytest.mark.parametrize(
    "page",
    [
        Response("<html>Log in to the hotel's network</html>", content_type="text/html"),
        Response("\n <!DOCTYPE html>", content_type="text/plain"),
    ],
)
def test_a_captive_portal_is_not_a_server(httpserver: HTTPServer, url: str, page: Response) -> None:
    httpserver.expect_request("/mcp").respond_with_response(page)
    with pytest.raises(DeliveryError, match="captive portal") as caught:
        call(session_to(url))
    assert caught.value.code == "web-page"


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
        with pytest.raises(DeliveryError, match="sends elsewhere") as caught:
            call(session_to(url, environ={"AKOSHA_TOKEN": "top-secret-token"}))
        assert other.log == []
    assert caught.value.code == "redirect"
    assert target in caught.value.message


def test_a_redirect_in_a_circle_ends(httpserver: HTTPServer, url: str) -> None:
    httpserver.expect_request("/mcp").respond_with_response(
        Response(status=307, headers={"Location": "/mcp"})
    )
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url))
    assert caught.value.code == "redirect"


def test_a_page_that_is_not_there_is_no_mcp_server(url: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/mcp").respond_with_data("nothing here", status=404)
    with pytest.raises(DeliveryError, match="no MCP server") as caught:
        call(session_to(url, retries=3))
    assert "akosha_http_url" in caught.value.hint
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        told(tool_failure("Unknown tool: 'batch_store_memories'")),
        lambda id_: as_json(error_of(id_, -32602, "Unknown tool: batch_store_memories")),
    ],
)
def test_a_missing_tool_says_how_to_start_the_server(fake: FakeMcp, url: str, answer: Any) -> None:
    fake.answers = [answer]
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url, retries=3))
    assert caught.value.code == "missing-tools"
    assert "AKOSHA_TOOL_PROFILE=full akosha mcp start" in caught.value.hint


def test_a_tool_that_wants_a_login_is_a_matter_of_the_token(fake: FakeMcp, url: str) -> None:
    fake.answers = [told(tool_failure("Authentication required: missing bearer token"))]
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN"):
        call(session_to(url))


def test_a_tool_that_fails_is_quoted_and_not_repeated(fake: FakeMcp, url: str) -> None:
    fake.answers = [told(tool_failure("the store is read-only"))]
    with pytest.raises(DeliveryError, match="the store is read-only") as caught:
        call(session_to(url, retries=3))
    assert caught.value.code == "tool-error"
    assert fake.methods().count("tools/call") == 1


def test_a_rate_limit_is_waited_out(fake: FakeMcp, url: str) -> None:
    fake.answers = [lambda id_: as_json(error_of(id_, -32000, "Rate limit exceeded"))]
    with pytest.raises(DeliveryError, match="Rate limit exceeded"):
        call(session_to(url))
    fake.answers = [lambda id_: as_json(error_of(id_, -32000, "Rate limit exceeded"))]
    assert call(session_to(url, retries=1)) == OK


def test_nothing_listening_is_told_apart_and_says_how_to_start() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(NotRunningError) as caught:
        call(session_to(url))
    assert caught.value.message == (
        f"Akosha HTTP endpoint unreachable: {url} (connection refused)."
    )
    assert "akosha mcp start" in caught.value.hint
    assert "python -m akosha.mcp.server" in caught.value.hint


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
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


def test_a_goodbye_nobody_hears_is_no_failure() -> None:
    with HTTPServer(host="127.0.0.1") as server:
        FakeMcp().attach(server)
        session = session_to(server.url_for("").rstrip("/"))
        call(session)
    session.close()


def test_what_was_sent_is_counted(fake: FakeMcp, url: str) -> None:
    deadline = Deadline(60)
    transport = connect(Settings(akosha_http_url=url), {}, deadline)
    call(Session(transport, RetryPolicy(0, 0.0, deadline)))
    assert transport.bytes_sent == sum(len(each.get_data()) for each in fake.requests)
    assert transport.bytes_sent > len(msgspec.json.encode(fake.documents[0]))


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
