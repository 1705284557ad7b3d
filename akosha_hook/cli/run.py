"""`akosha-hook run`: the hook itself, where there is no sh; the entry for pre-commit."""

from __future__ import annotations

import click

from akosha_hook.hook import entry as hook


@click.command(
    context_settings={"ignore_unknown_options": True},
    short_help="What a hook calls: note an event, start a worker.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="EVENT [GIT'S ARGUMENTS]...")
def run(arguments: tuple[str, ...]) -> None:
    """Note that EVENT happened and start a worker in the background.

    EVENT is session-end, session-start, post-commit, post-merge or post-rewrite. Exits 0 whatever
    happens, and prints nothing but the notice at session-start, so that it can stand in any hook.
    """
    hook.main(arguments)
