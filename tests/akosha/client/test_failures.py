"""The kind, code and hint of everything that can go wrong with a server."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NameResolutionError
from werkzeug import Response

from akosha_hook.akosha.client import failures
from akosha_hook.akosha.client.failures import NotRunningError, quoted
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import AkoshaHookError, CredentialsError, DeliveryError, ExitCode, Kind
from tests.akosha.client.conftest import call, session_to
from tests.support.mcp_fake import (
    FakeMcp,
    answering,
    as_json,
    error_of,
    plain,
    tool_failure,
)
from tests.support.raw_http import raw_server, reset


def test_where_nothing_listens_the_error_says_how_to_start_a_server() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(NotRunningError) as caught:
        call(session_to(url))
    assert caught.value.message == (
        f"Akosha HTTP endpoint unreachable: {url} (connection refused)."
    )
    assert "akosha mcp start" in caught.value.hint
    assert "python -m akosha.mcp.server" in caught.value.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_reported_by_the_name_of_its_variable(
    fake: FakeMcp, url: str, status: int
) -> None:
    fake.answers = [plain(Response("no", status=status))] * 2
    with pytest.raises(CredentialsError, match="refused the token in AKOSHA_TOKEN") as caught:
        call(session_to(url, retries=3, environ={"AKOSHA_TOKEN": "top-secret-token"}))
    assert "top-secret-token" not in caught.value.message + caught.value.hint
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN is not set"):
        call(session_to(url))
    assert fake.methods().count("tools/call") == 2


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


def test_a_404_means_that_there_is_no_mcp_server(url: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/mcp").respond_with_data("nothing here", status=404)
    with pytest.raises(DeliveryError, match="no MCP server") as caught:
        call(session_to(url, retries=3))
    assert "akosha_http_url" in caught.value.hint
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    "answer",
    [
        answering(tool_failure("Unknown tool: 'batch_store_memories'")),
        lambda id_: as_json(error_of(id_, -32602, "Unknown tool: batch_store_memories")),
    ],
)
def test_a_missing_tool_says_how_to_start_the_server(fake: FakeMcp, url: str, answer: Any) -> None:
    fake.answers = [answer]
    with pytest.raises(DeliveryError) as caught:
        call(session_to(url, retries=3))
    assert caught.value.code == "missing-tools"
    assert "AKOSHA_TOOL_PROFILE=full akosha mcp start" in caught.value.hint


def test_a_tool_that_requires_authentication_is_a_credentials_error(
    fake: FakeMcp, url: str
) -> None:
    fake.answers = [answering(tool_failure("Authentication required: missing bearer token"))]
    with pytest.raises(CredentialsError, match="AKOSHA_TOKEN"):
        call(session_to(url))


def test_a_failing_tool_is_quoted_and_not_called_again(fake: FakeMcp, url: str) -> None:
    fake.answers = [answering(tool_failure("the store is read-only"))]
    with pytest.raises(DeliveryError, match="the store is read-only") as caught:
        call(session_to(url, retries=3))
    assert caught.value.code == "tool-error"
    assert fake.methods().count("tools/call") == 1


@pytest.mark.parametrize(
    ("status", "kind", "code", "retryable"),
    [
        (400, Kind.FAILED, "http-400", False),
        (404, Kind.MISSING, "not-found", False),
        (408, Kind.TIMED_OUT, "http-408", True),
        (429, Kind.THROTTLED, "rate-limited", True),
        (500, Kind.FAILED, "http-500", True),
        (502, Kind.UNREACHABLE, "http-502", True),
        (503, Kind.UNREACHABLE, "http-503", True),
        (504, Kind.TIMED_OUT, "http-504", True),
    ],
)
def test_a_status_has_a_kind_and_may_be_worth_another_try(
    status: int, kind: Kind, code: str, retryable: bool
) -> None:
    error = failures.bad_status("http://a", status, "", with_token=False)
    assert isinstance(error, DeliveryError)
    assert (error.kind, error.code, error.retryable) == (kind, code, retryable)
    assert error.exit_code == ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (failures.BadAnswerError("http://a", "with nothing"), Kind.INVALID),
        (failures.StaleSessionError("http://a"), Kind.STALE),
        (failures.TooLargeError("http://a"), Kind.INVALID),
        (failures.ToolError("tool", "no room"), Kind.FAILED),
        (failures.UnsupportedError("tools/list"), Kind.UNSUPPORTED),
        (failures.missing_tools("http://a"), Kind.UNSUPPORTED),
        (failures.unreachable("http://a", "no route"), Kind.UNREACHABLE),
        (failures.denied("http://a", "HTTP 401", with_token=True), Kind.DENIED),
        (failures.web_page("http://a"), Kind.UNREACHABLE),
        (failures.redirected("http://a", "http://b"), Kind.INVALID),
    ],
)
def test_every_failure_has_a_kind(error: AkoshaHookError, kind: Kind) -> None:
    assert error.kind is kind


def test_a_name_that_nobody_knows_is_reported_without_the_address_of_an_object() -> None:
    """Made by hand: what a real lookup does depends on the machine's resolver."""
    connection = HTTPConnection("akosha.invalid")
    raised = NameResolutionError("akosha.invalid", connection, socket.gaierror(-2, "not known"))
    error = failures.no_response("http://akosha.invalid", raised)
    assert error.kind is Kind.UNREACHABLE
    assert error.message == (
        "Akosha HTTP endpoint unreachable: http://akosha.invalid (unknown host name)."
    )


def test_a_connection_that_is_reset_is_reported_with_the_systems_words() -> None:
    with raw_server(reset) as url, pytest.raises(DeliveryError) as caught:
        call(session_to(url))
    assert caught.value.code == "connection"
    assert caught.value.kind is Kind.UNREACHABLE
    assert caught.value.message == (f"The connection to {url} was lost: connection reset by peer.")


def test_a_proxy_that_is_down_is_not_taken_for_a_server_that_is_not_running() -> None:
    proxy = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(DeliveryError, match="the proxy failed: connection refused") as caught:
        call(session_to("http://akosha.invalid:8682", environ={"http_proxy": proxy}))
    assert not isinstance(caught.value, NotRunningError)
    assert caught.value.code == "unreachable"


@given(st.text())
def test_a_quotation_is_one_short_line(text: str) -> None:
    quotation = quoted(text)
    assert len(quotation) <= 200
    assert "\n" not in quotation


def test_what_a_validation_error_quotes_is_removed() -> None:
    error = "1 error [type=bad, input_value='my memory,\nof today', input_type=str] and more"
    assert quoted(error) == "1 error [type=bad, input_value=..., input_type=str] and more"
    assert quoted("bad: input_value='cut off memory") == "bad: input_value=..."
