"""The MCP server as a client of the SDK's sees it, over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from mcp import Client, StdioServerParameters

from tests.support.duck import make_databases
from tests.support.home import pin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from mcp.types import CallToolResult

    from akosha_hook.paths import Paths
from tests.support.s3 import TestBucket

SYNC_KEYS = {
    "method",
    "success",
    "files_uploaded",
    "bytes_transferred",
    "duration_seconds",
    "upload_id",
    "error",
}
STATUS_KEYS = {
    "cloud_configured",
    "system_id",
    "should_use_cloud",
    "should_use_http",
    "force_method",
    "enable_fallback",
    "upload_on_session_end",
    "configuration",
}


def talk(home: Path, conversation: Callable[[Client], Awaitable[Any]], **environ: str) -> Any:
    """Start `akosha-hook mcp`, talk to it, end it."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "akosha_hook", "mcp"],
        env={**os.environ, **environ},
        cwd=home,
    )

    async def run() -> Any:
        async with Client(server, read_timeout_seconds=60) as client:
            return await conversation(client)

    return asyncio.run(run())


def call(home: Path, tool: str, arguments: dict[str, Any] | None = None, **env: str) -> Any:
    async def conversation(client: Client) -> CallToolResult:
        return await client.call_tool(tool, arguments or {})

    return talk(home, conversation, **env)


def test_the_tools_and_the_shapes_of_their_results(home: Path) -> None:
    async def conversation(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in talk(home, conversation)}
    assert set(tools) == {"sync_to_akosha", "akosha_sync_status"}
    sync, status = tools["sync_to_akosha"], tools["akosha_sync_status"]
    assert sync.input_schema["properties"]["method"]["enum"] == ["auto", "cloud", "http"]
    assert sync.input_schema["properties"]["enable_fallback"]["default"] is True
    assert set(sync.output_schema["required"]) == SYNC_KEYS
    assert set(status.output_schema["required"]) == STATUS_KEYS


def test_a_wrong_method_is_refused(home: Path) -> None:
    answer = call(home, "sync_to_akosha", {"method": "pigeon"})
    assert answer.is_error
    assert "pigeon" in answer.content[0].text


def test_status_has_the_guides_keys(home: Path) -> None:
    answer = call(home, "akosha_sync_status", SESSION_BUDDY_AKOSHA_CLOUD_BUCKET="memories")
    assert not answer.is_error
    assert set(answer.structured_content) >= STATUS_KEYS
    assert answer.structured_content["cloud_configured"] is True
    assert answer.structured_content["configuration"]["cloud_bucket"] == "memories"


def test_a_sync_uploads(home: Path, paths: Paths, bucket: TestBucket) -> None:
    make_databases(paths.data, conversations=5)
    pin(paths, **bucket.environment)
    arguments = {"method": "cloud", "enable_fallback": False}
    answer = call(home, "sync_to_akosha", arguments, **bucket.environment)
    assert not answer.is_error
    result = answer.structured_content
    assert result["success"] is True
    assert set(bucket.object_keys()) >= set(result["files_uploaded"])
    assert result["upload_id"]


def test_a_sync_to_where_nobody_has_confirmed_is_held(
    home: Path, paths: Paths, bucket: TestBucket
) -> None:
    make_databases(paths.data, conversations=1)
    answer = call(home, "sync_to_akosha", {}, **bucket.environment)
    assert answer.structured_content["success"] is False
    assert "you have not confirmed yet" in answer.structured_content["error"]
    assert bucket.object_keys() == []


def test_a_failed_sync_is_an_answer_and_no_error_of_the_server(home: Path, paths: Paths) -> None:
    make_databases(paths.data, conversations=1)
    answer = call(home, "sync_to_akosha", {"method": "cloud", "enable_fallback": False})
    assert not answer.is_error
    assert answer.structured_content["success"] is False
    assert answer.structured_content["error"]
