"""The command line: one module per command, imported when the command is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "check": "Check every upload in the bucket.",
    "check-secrets": "Find credentials in settings files (for pre-commit).",
    "check-settings": "Check settings files (for pre-commit).",
    "completion": "Print the completion script for bash, zsh or fish.",
    "config": "Show, check and change settings.",
    "demo": "Run the whole cycle end to end, in a temporary home.",
    "doctor": "Check everything closely, and say how to fix it.",
    "forget": "Give up a database that was stored once and is gone.",
    "history": "Show past uploads from this machine, from its receipts.",
    "install": "Install the hooks.",
    "logs": "Show or follow akosha-hook's log.",
    "ls": "List the systems and uploads in the bucket.",
    "mcp": "Serve sync and status as tools to an MCP client.",
    "prune": "Delete old uploads, but nothing that a kept one needs.",
    "restore": "Restore memories from the bucket.",
    "run": "Record an event and start a worker (called by hooks).",
    "status": "Show the last sync, waiting events, hooks and problems.",
    "sync": "Upload now, in the foreground.",
    "uninstall": "Remove what install added.",
    "verify": "Prove that an upload can be restored.",
}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is used."""

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
    """Back up Session-Buddy's memories to object storage.

    \b
    akosha-hook install     add hooks to Claude Code (--git: to this repository)
    akosha-hook config set akosha_cloud_bucket NAME
    akosha-hook sync        make the first upload by hand
    akosha-hook status      is it on, when was the last upload, what is wrong
    akosha-hook doctor      check everything, and say how to fix it

    Run akosha-hook COMMAND --help for more about a command.
    """


def main() -> None:
    """The `akosha-hook` command."""
    from akosha_hook.cli.boundary import run
    from akosha_hook.stores.s3.minio_patch import leave_out_admin_client

    leave_out_admin_client()
    raise SystemExit(run(cli))
