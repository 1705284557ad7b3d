"""A fake MCP server, and sessions to it."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.akosha.client.probing import connect
from akosha_hook.akosha.client.session import Session
from akosha_hook.settings.fields import Settings
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.mcp_fake import FakeMcp

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
