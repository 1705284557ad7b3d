"""`akosha-hook uninstall`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.cli.boundary import say_error
from akosha_hook.cli.install import show_diff
from akosha_hook.cli.opening import forget_project
from akosha_hook.errors import ExitCode
from akosha_hook.install import git, installer
from akosha_hook.install.agents import claude
from akosha_hook.paths import Paths
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.install.record import Entry


@click.command()
@click.option(
    "--git", "for_git", is_flag=True, help="Remove only from the git repository you are in."
)
@click.option(
    "--scope",
    type=click.Choice(["user", "project", "local"]),
    help="Remove only from these settings of Claude Code.",
)
@click.option(
    "--global",
    "everywhere",
    is_flag=True,
    help="With --git: remove only what was installed for all repositories.",
)
@click.option("--dry-run", is_flag=True, help="Show the changes as a diff without making them.")
def uninstall(for_git: bool, scope: str | None, everywhere: bool, dry_run: bool) -> int:
    """Remove what install added, wherever it was, and put back what was there before."""
    if everywhere and not for_git:
        raise click.UsageError("--global can only be used with --git.")
    forget_project()
    paths = Paths.from_environment(os.environ)
    wanted = _wanted(Path.cwd(), scope, for_git=for_git, everywhere=everywhere)
    removal = installer.removal(paths, Path.cwd(), wanted)
    if dry_run:
        show_diff(removal.changes)
    else:
        installer.remove(paths, removal)
        for change in removal.changes:
            if change.writes:
                click.echo(
                    f"{'restored' if change.after else 'removed'}: {printable(str(change.path))}"
                )
    for step in removal.next_steps:
        click.echo(f"Left to do: {printable(step)}")
    if not removal.changes and not removal.left:
        click.echo("Nothing of ours is installed there.")
    for error in removal.left:
        say_error(error)
    return ExitCode.FAILED if removal.left else ExitCode.OK


def _wanted(
    directory: Path, scope: str | None, *, for_git: bool, everywhere: bool
) -> Callable[[Entry], bool]:
    """Which of the recorded entries the options select; all of them without options."""
    common = str(git.find(directory).common) if for_git and not everywhere else None
    project = None if scope == "user" else str(claude.project_directory(directory))

    def wanted(entry: Entry) -> bool:
        if scope is None and not for_git:
            return True
        if entry.place.startswith("claude-"):
            return entry.place == f"claude-{scope}" and entry.repository == project
        if everywhere:
            return entry.place == "git-global"
        return common is not None and entry.repository == common

    return wanted
