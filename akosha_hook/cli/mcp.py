"""`akosha-hook mcp`."""

from __future__ import annotations

import click

from akosha_hook.errors import AkoshaHookError

INSTALL = (
    "pip install 'akosha-hook[mcp]'; or, in an environment of its own: "
    "pipx install 'akosha-hook[mcp]'"
)


@click.command()
def mcp() -> None:
    """Serve sync_to_akosha and akosha_sync_status to an MCP client over stdin and stdout.

    To add it to Claude Code: claude mcp add akosha-hook -- akosha-hook mcp
    """
    try:
        from akosha_hook.mcp import server

        made = server()
    except ModuleNotFoundError as error:
        raise AkoshaHookError(
            f"The MCP server needs a package that is not installed: {error.name}.", hint=INSTALL
        ) from error
    except ImportError as error:
        raise AkoshaHookError(
            f"The MCP server cannot use the package mcp that is installed: {error}.", hint=INSTALL
        ) from error
    made.run()
