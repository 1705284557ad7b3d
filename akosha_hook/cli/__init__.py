"""The command line: one module per command, imported when the command is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "check-secrets": "Find credentials in settings files (for pre-commit).",
    "check-settings": "Check settings files (for pre-commit).",
    "completion": "Print the completion script for bash, zsh or fish.",
    "config": "Show, check and change settings.",
    "demo": "Watch the main job end to end, in a throwaway home.",
    "doctor": "Look closer at everything, and say what to type.",
    "history": "Show what was uploaded, and when, by the receipts here.",
    "install": "Install the hooks.",
    "logs": "Show, or follow, what akosha-hook logged.",
    "ls": "Show what is in the bucket: systems, uploads, sizes.",
    "mcp": "Serve the two tools to an MCP client.",
    "prune": "Delete old uploads, and nothing that a kept one needs.",
    "restore": "Bring memories back from the bucket.",
    "run": "What a hook calls: note an event, start a worker.",
    "status": "Show what is known: last sync, waiting events, problems.",
    "sync": "Upload now, in the foreground.",
    "uninstall": "Remove what install added.",
    "verify": "Prove that an upload can be restored.",
}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"akosha_hook.cli.{name}")
        command = getattr(module, name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text)
            for name, text in sorted(COMMANDS.items())
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def _version() -> str:
    from akosha_hook.version import __version__

    return __version__


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="akosha-hook")
def cli() -> None:
    """Keep Session-Buddy's memories safe in object storage.

    \b
    akosha-hook install     hooks for Claude Code (--git: for this repository)
    akosha-hook config set akosha_cloud_bucket NAME
    akosha-hook sync        the first upload, by hand
    akosha-hook status      is it on, when was the last upload, what is wrong
    akosha-hook doctor      look closer, and say what to type

    akosha-hook COMMAND --help says more about each.
    """


def main() -> None:
    """The `akosha-hook` command."""
    from akosha_hook.cli.boundary import run
    from akosha_hook.stores.s3.minio_patch import leave_out_admin_client

    leave_out_admin_client()
    raise SystemExit(run(cli))
