"""`akosha-hook mcp`."""

from __future__ import annotations

import click

from akosha_hook.errors import AkoshaHookError


@click.command()
def mcp() -> None:
    """Serve sync_to_akosha and akosha_sync_status to an MCP client over stdin and stdout.

    To add it to Claude Code: claude mcp add akosha -- akosha-hook mcp
    """
    try:
        from akosha_hook.mcp import server
    except ModuleNotFoundError as error:
        raise AkoshaHookError(
            f"The MCP server needs a package that is not installed: {error.name}.",
            hint="pip install 'akosha-hook[mcp]'",
        ) from error
    server().run()
