"""The MCP server as a client of the SDK's sees it, over stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters

from akosha_hook import mcp
from akosha_hook.errors import AkoshaHookError
from akosha_hook.version import __version__
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
    assert all(each["description"] for each in sync.input_schema["properties"].values())
    assert set(sync.output_schema["required"]) == SYNC_KEYS
    assert set(status.output_schema["required"]) == STATUS_KEYS


def test_the_tools_say_what_they_do_to_the_world(home: Path) -> None:
    async def conversation(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in talk(home, conversation)}
    sync, status = tools["sync_to_akosha"], tools["akosha_sync_status"]
    assert (sync.title, status.title) == ("Upload memories now", "Show backup status")
    assert sync.annotations.model_dump(by_alias=True, exclude_none=True) == {
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": True,
    }
    assert status.annotations.model_dump(by_alias=True, exclude_none=True) == {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    }


def test_the_earlier_sdk_is_used_where_the_later_one_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in Session-Buddy 0.23's environment: its server is made and told apart by its module."""

    class FastMCP:
        def __init__(self, name: str, **options: str) -> None:
            self.name, self.options = name, options
            self.tools: dict[str, dict[str, Any]] = {}
            self._mcp_server = types.SimpleNamespace(version=None)

        def tool(self, **options: Any) -> Callable[[Callable[..., Any]], None]:
            def keep(function: Callable[..., Any]) -> None:
                self.tools[function.__name__] = options

            return keep

    class ToolError(Exception):
        pass

    earlier = types.ModuleType("mcp.server.fastmcp")
    earlier.FastMCP = FastMCP  # type: ignore[attr-defined]
    errors = types.ModuleType("mcp.server.fastmcp.exceptions")
    errors.ToolError = ToolError  # type: ignore[attr-defined]
    for name, module in (
        ("mcp.server.mcpserver", None),
        ("mcp.server.mcpserver.exceptions", None),
        ("mcp.server.fastmcp", earlier),
        ("mcp.server.fastmcp.exceptions", errors),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    made = mcp.server()
    assert made.name == "akosha-hook"
    assert made._mcp_server.version == __version__
    assert set(made.tools) == {"sync_to_akosha", "akosha_sync_status"}

    async def fail() -> dict[str, Any]:
        raise AkoshaHookError("No.", hint="Try again.")

    with pytest.raises(ToolError, match=r"No\. Try again\."):
        asyncio.run(mcp._with_tool_error(fail()))


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
