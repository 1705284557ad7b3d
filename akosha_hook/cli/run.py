"""`akosha-hook run`: what pre-commit calls, and any hook that cannot use the shell script."""

from __future__ import annotations

import click

from akosha_hook.hook import entry as hook


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="EVENT [GIT'S ARGUMENTS]...")
def run(arguments: tuple[str, ...]) -> None:
    """Record that EVENT happened and start a worker in the background.

    EVENT is session-end, session-start, post-commit, post-merge or post-rewrite. Always exits with
    0, and prints nothing except the notice at session-start, so that any hook can call it.
    """
    hook.main(arguments)
