"""The two tools of the user guide as an MCP server; needs the extra `mcp`.

Session-Buddy 0.23 cannot live with a later SDK than 1.x, and 0.36 not with an earlier one than 2.3:
both are used, whichever is there.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.types import ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from akosha_hook import api
from akosha_hook.errors import AkoshaHookError
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable

# Akosha's own plugin calls its server `akosha`.
NAME = "akosha-hook"
INSTRUCTIONS = (
    "Session-Buddy's memories are uploaded automatically when a session ends or a commit is made. "
    "Use sync_to_akosha to upload now, akosha_sync_status to see the configuration and what waits. "
    "Session-Buddy itself has a tool named sync_to_akosha, too, which uploads nothing."
)
Method = Annotated[
    Literal["auto", "cloud", "http"],
    Field(
        description="Destination: `cloud` is the object store, `http` an Akosha server, `auto` the "
        "store and, if that fails and the settings allow it, the server."
    ),
]
Fallback = Annotated[
    bool,
    Field(
        description="Whether `auto` may push to an Akosha server if the object store fails; false "
        "forbids it, true allows no more than the settings do."
    ),
]


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


async def sync_to_akosha(method: Method = "auto", enable_fallback: Fallback = True) -> SyncResult:
    """Upload Session-Buddy's memories now, to the cloud or, if allowed, to an Akosha server.

    The arguments choose among what the user's settings allow, and cannot allow more.
    """
    return SyncResult.model_validate(
        await _with_tool_error(api.sync_to_akosha(method, enable_fallback))
    )


async def akosha_sync_status() -> SyncStatus:
    """Show the configuration, the last sync and what waits; contacts no server."""
    return SyncStatus.model_validate(await _with_tool_error(api.akosha_sync_status()))


def server() -> Any:
    """The server with both tools; `run()` serves it on stdin and stdout.

    Raises ImportError where the SDK is not there, or has no such server.
    """
    mcp_server = _new_server()
    mcp_server.tool(
        title="Upload memories now",
        annotations=_annotations(
            read_only=False, destructive=False, idempotent=True, open_world=True
        ),
    )(sync_to_akosha)
    mcp_server.tool(
        title="Show backup status",
        annotations=_annotations(
            read_only=True, destructive=False, idempotent=True, open_world=False
        ),
    )(akosha_sync_status)
    return mcp_server


def _new_server() -> Any:
    """What both SDKs call differently: `MCPServer` since 2.0, `FastMCP` before."""
    try:
        later = importlib.import_module("mcp.server.mcpserver")
    except ModuleNotFoundError:
        earlier = importlib.import_module("mcp.server.fastmcp")
        made = earlier.FastMCP(NAME, instructions=INSTRUCTIONS, log_level="WARNING")
        # It has no parameter for it, and would name the SDK's.
        made._mcp_server.version = __version__
        return made
    return later.MCPServer(
        NAME, instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )


def _annotations(
    *, read_only: bool, destructive: bool, idempotent: bool, open_world: bool
) -> ToolAnnotations:
    """Under the names of the protocol, which both SDKs take."""
    return ToolAnnotations.model_validate(
        {
            "readOnlyHint": read_only,
            "destructiveHint": destructive,
            "idempotentHint": idempotent,
            "openWorldHint": open_world,
        }
    )


async def _with_tool_error(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Await `answer`; only a ToolError tells the client what went wrong."""
    try:
        return await answer
    except AkoshaHookError as error:
        raise _tool_error()(f"{error.message} {error.hint}".strip()) from error


def _tool_error() -> type[Exception]:
    try:
        module = importlib.import_module("mcp.server.mcpserver.exceptions")
    except ModuleNotFoundError:
        module = importlib.import_module("mcp.server.fastmcp.exceptions")
    found: type[Exception] = module.ToolError
    return found
