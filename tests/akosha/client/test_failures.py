"""The kind, code and hint of everything that can go wrong with a server."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.akosha.client.failures import NotRunningError
from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import CredentialsError, DeliveryError
from tests.akosha.client.conftest import call, session_to
from tests.support.mcp_fake import (
    FakeMcp,
    answering,
    as_json,
    error_of,
    plain,
    tool_failure,
)


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
