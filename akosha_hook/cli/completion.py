"""`akosha-hook completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "akosha-hook"
VARIABLE = "_AKOSHA_HOOK_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes akosha-hook's commands and options in SHELL.

    Load it from your shell's start-up file:

    \b
    ~/.bashrc:  eval "$(akosha-hook completion bash)"
    ~/.zshrc:   eval "$(akosha-hook completion zsh)"      (after compinit)
    fish:       akosha-hook completion fish
                  > ~/.config/fish/completions/akosha-hook.fish
    """
    from akosha_hook.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(cli, {}, PROGRAM, VARIABLE)
    # Not `source()`, which asks the bash on PATH for its version: macOS has one too old, and the
    # script may be meant for another.
    click.echo(made.source_template % made.source_vars())
