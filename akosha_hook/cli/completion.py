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

    Load it from your shell's startup file:

    \b
    ~/.bashrc:  eval "$(akosha-hook completion bash)"
    ~/.zshrc:   eval "$(akosha-hook completion zsh)"      (after compinit)
    fish:       akosha-hook completion fish
                  > ~/.config/fish/completions/akosha-hook.fish
    """
    from akosha_hook.cli import cli

    completion_class = get_completion_class(shell)
    assert completion_class is not None
    completer = completion_class(cli, {}, PROGRAM, VARIABLE)
    # Not `source()`, which refuses if the bash on PATH is too old, as on macOS: the script may be
    # meant for another one.
    click.echo(completer.source_template % completer.source_vars())
