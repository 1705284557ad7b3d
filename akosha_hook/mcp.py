"""The two tools of the user guide as an MCP server; needs the extra `mcp`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, ConfigDict

from akosha_hook import api
from akosha_hook.errors import AkoshaHookError
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable

INSTRUCTIONS = (
    "Session-Buddy's memories are uploaded automatically when a session ends or a commit is made. "
    "Use sync_to_akosha to upload now, akosha_sync_status to see the configuration and what waits."
)


class SyncResult(BaseModel):
    """What a sync did; later versions may add keys."""

    model_config = ConfigDict(extra="allow")

    method: str | None
    success: bool
    files_uploaded: list[str]
    bytes_transferred: int
    duration_seconds: float
    upload_id: str | None
    error: str | None


class SyncStatus(BaseModel):
    """The configuration, and what is known about the last sync."""

    model_config = ConfigDict(extra="allow")

    cloud_configured: bool
    system_id: str | None
    should_use_cloud: bool
    should_use_http: bool
    force_method: str
    enable_fallback: bool
    upload_on_session_end: bool
    configuration: dict[str, Any]


def server() -> MCPServer:
    """The server with both tools; `run()` serves it on stdin and stdout."""
    mcp_server = MCPServer(
        "akosha", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )

    @mcp_server.tool()
    async def sync_to_akosha(
        method: Literal["auto", "cloud", "http"] = "auto", enable_fallback: bool = True
    ) -> SyncResult:
        """Upload Session-Buddy's memories now, to the cloud or, if allowed, to an Akosha server.

        The arguments choose among what the user's settings allow, and cannot allow more.
        """
        return SyncResult.model_validate(
            await _with_tool_error(api.sync_to_akosha(method, enable_fallback))
        )

    @mcp_server.tool()
    async def akosha_sync_status() -> SyncStatus:
        """Show the configuration, the last sync and what waits; contacts no server."""
        return SyncStatus.model_validate(await _with_tool_error(api.akosha_sync_status()))

    return mcp_server


async def _with_tool_error(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Await `answer`; only a ToolError tells the client what went wrong."""
    try:
        return await answer
    except AkoshaHookError as error:
        raise ToolError(f"{error.message} {error.hint}".strip()) from error
