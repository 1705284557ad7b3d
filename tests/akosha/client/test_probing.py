from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha import ServerState, probe
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from tests.akosha.client.conftest import session_to
from tests.support.akosha_server import TODAY, VERSION, AkoshaServer, serve
from tests.support.mcp_fake import FakeMcp, error_of


def probed(url: str, **environ: str) -> ServerState:
    return probe(Settings(akosha_http_url=url), environ)


@pytest.mark.parametrize("health", ["/health", "/status", ""])
def test_a_working_server_is_reported_with_its_version(health: str) -> None:
    with serve(AkoshaServer(free_ports(1)[0], health=health)) as server:
        assert probed(server.url + "/mcp") == ServerState(
            server.url, reachable=True, version=VERSION, tools_ok=True
        )
        assert server.requests[-1] == "DELETE /mcp"
        assert server.batches == []


def test_a_server_without_the_tools_is_reported_with_a_hint() -> None:
    with serve(AkoshaServer(free_ports(1)[0], full_profile=False)) as server:
        state = probed(server.url)
    assert state.reachable
    assert state.tools_ok is False
    assert "no tool that stores memories" in state.message
    assert "AKOSHA_TOOL_PROFILE=full akosha mcp start" in state.hint


def test_a_server_that_wants_a_token_is_reachable() -> None:
    with serve(AkoshaServer(free_ports(1)[0], token="right-token")) as server:
        state = probed(server.url)
        assert (state.reachable, state.tools_ok) == (True, None)
        assert "AKOSHA_TOKEN" in state.message
        assert probed(server.url, AKOSHA_TOKEN="right-token").tools_ok


def test_without_a_server_the_hint_says_how_to_start_one() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    state = probed(url)
    assert not state.reachable
    assert state.message.startswith(f"Akosha HTTP endpoint unreachable: {url}")
    assert "akosha mcp start" in state.hint


def test_another_program_on_the_port_is_not_akosha(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/health").respond_with_data("<html>", content_type="text/html")
    state = probed(httpserver.url_for(""))
    assert not state.reachable
    assert "web page" in state.message


def test_a_server_without_any_of_the_pages_is_not_akosha(httpserver: HTTPServer) -> None:
    for path in ("/health", "/status", "/mcp"):
        httpserver.expect_request(path).respond_with_data("no", status=404)
    state = probed(httpserver.url_for(""))
    assert not state.reachable
    assert "no MCP server" in state.message


def test_an_unhealthy_server_that_works_is_reachable(httpserver: HTTPServer) -> None:
    """Newer servers answer 503 to /health when one of their feeds is stale."""
    httpserver.expect_request("/health").respond_with_json({"status": "degraded"}, status=503)
    httpserver.expect_request("/status").respond_with_data("no", status=404)
    FakeMcp().attach(httpserver)
    state = probed(httpserver.url_for(""))
    assert (state.reachable, state.version, state.tools_ok) == (True, "9.9", True)


def test_a_degraded_server_of_today_takes_memories() -> None:
    degraded = (503, {"status": "degraded", "checks": {"aging_feed": {"status": "failed"}}})
    with serve(AkoshaServer(free_ports(1)[0], version=TODAY, health_answer=degraded)) as server:
        assert probed(server.url) == ServerState(
            server.url, reachable=True, version=TODAY, tools_ok=True
        )


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>Service Unavailable", status=503, content_type="text/html"),
        Response("", status=503),
        Response('{"status": "failed"}', status=503, content_type="application/json"),
        Response('{"status": "degraded"', status=503, content_type="application/json"),
        Response('["degraded"]', status=503, content_type="application/json"),
    ],
)
def test_another_503_is_not_a_server_that_takes_memories(
    httpserver: HTTPServer, answer: Response
) -> None:
    httpserver.expect_request("/health").respond_with_response(answer)
    FakeMcp().attach(httpserver)
    state = probed(httpserver.url_for(""))
    assert (state.reachable, state.tools_ok) == (False, None)
    assert "answered HTTP 503" in state.message


def test_any_answer_of_mcp_counts_as_reachable(httpserver: HTTPServer) -> None:
    for path in ("/health", "/status"):
        httpserver.expect_request(path).respond_with_data("no", status=404)
    fake = FakeMcp(list_tools=lambda id_, _: error_of(id_, -32000, "Rate limit exceeded"))
    fake.attach(httpserver)
    state = probed(httpserver.url_for(""))
    assert (state.reachable, state.tools_ok) == (True, None)
    assert "Rate limit exceeded" in state.message


def test_a_health_page_that_redirects_to_another_host_gets_no_token(httpserver: HTTPServer) -> None:
    with HTTPServer(host="127.0.0.1") as other:
        httpserver.expect_request("/health").respond_with_response(
            Response(status=302, headers={"Location": other.url_for("/login")})
        )
        state = probed(httpserver.url_for(""), AKOSHA_TOKEN="top-secret-token")
        assert other.log == []
    assert not state.reachable
    assert "redirects to" in state.message


def test_an_impossible_token_is_reported_without_a_request(httpserver: HTTPServer) -> None:
    state = probed(httpserver.url_for(""), AKOSHA_TOKEN="two words")
    assert not state.reachable
    assert "AKOSHA_TOKEN" in state.message
    assert httpserver.log == []


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "nul\0"])
def test_an_impossible_token_is_refused_before_it_is_sent(url: str, token: str) -> None:
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN") as caught:
        session_to(url, environ={"AKOSHA_TOKEN": token})
    assert token not in caught.value.message
