"""`akosha-hook install`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.cli.opening import forget_project
from akosha_hook.errors import AkoshaHookError, CredentialsError
from akosha_hook.install import git, installer, plan, script
from akosha_hook.install.places import installed_places
from akosha_hook.paths import Paths, shipped
from akosha_hook.settings.checks import without_secrets
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from akosha_hook.install.agents.claude import Scope


@click.command()
@click.option("--git", "for_git", is_flag=True, help="Install into the git repository you are in.")
@click.option(
    "--scope",
    type=click.Choice(["user", "project", "local"]),
    help="Which of Claude Code's settings to change (default without --git: user).",
)
@click.option(
    "--global", "everywhere", is_flag=True, help="With --git: install for all your repositories."
)
@click.option(
    "--no-manager",
    is_flag=True,
    help="With --git: use git's own hook files even if a hook manager is in use.",
)
@click.option(
    "--yes",
    is_flag=True,
    help="Confirm where memories go without being asked, on a machine that nobody sits at.",
)
@click.option("--dry-run", is_flag=True, help="Show the changes as a diff without making them.")
@click.option(
    "--deny-rules",
    is_flag=True,
    help="Print rules for Claude Code's settings that keep agents from deleting or replacing "
    "memories, and change nothing.",
)
def install(
    for_git: bool,
    scope: Scope | None,
    everywhere: bool,
    no_manager: bool,
    yes: bool,
    dry_run: bool,
    deny_rules: bool,
) -> None:
    """Install the hooks into Claude Code or, with --git, into the repository you are in.

    Typed at a terminal, it also confirms where memories go: hooks upload nowhere else.
    """
    if (everywhere or no_manager) and not for_git:
        raise click.UsageError("--global and --no-manager can only be used with --git.")
    if deny_rules:
        click.echo(
            shipped("templates/claude-deny-rules.json").read_text(encoding="utf-8"), nl=False
        )
        return
    forget_project()
    paths = Paths.from_environment(os.environ)
    directory = Path.cwd()
    installations = [installer.for_script(paths)]
    if scope or not for_git:
        installations.append(installer.for_claude(paths, scope or "user", directory))
    if for_git:
        installations.append(
            installer.for_all_repositories(paths, os.environ, directory)
            if everywhere
            else installer.for_git(paths, directory, use_manager=not no_manager)
        )
    if not dry_run:
        installer.carry_out(paths, [change for each in installations for change in each.changes])
    for installation in installations:
        _show(installation, dry_run=dry_run)
    if not dry_run:
        steps = [step for each in installations for step in each.next_steps]
        steps += _confirmed(paths, yes=yes)
        _show_next_steps([*steps, *_not_configured(paths)])
        if not for_git:
            _offer_git(paths, directory)
            click.echo(
                "To keep agents from deleting or replacing memories: akosha-hook install --deny-rules"
            )


def show_diff(changes: Iterable[plan.Change]) -> None:
    """Print what would change, with secrets taken out."""
    click.echo(printable(without_secrets(plan.diff(changes))), nl=False)


def _show(installation: installer.Installation, *, dry_run: bool) -> None:
    for change in installation.changes:
        if dry_run and change.writes and change.part != script.PART:
            show_diff([change])
        elif change.part:
            click.echo(f"{_verb(change, dry_run=dry_run)}: {printable(str(change.path))}")
    if installation.summary and not dry_run:
        click.echo(printable(installation.summary))
    for note in installation.notes:
        click.echo(f"Note: {printable(note)}")
    for step in installation.next_steps if dry_run else ():
        click.echo(f"Left to do afterwards: {printable(step)}")


def _verb(change: plan.Change, *, dry_run: bool) -> str:
    if not change.writes:
        return "up to date"
    done = "changed" if change.before else "created"
    return f"would be {done}" if dry_run else done


def _confirmed(paths: Paths, *, yes: bool) -> Iterator[str]:
    """Confirm where memories go, as far as that is possible here."""
    from akosha_hook import settings
    from akosha_hook.cli.confirm import confirm_installation
    from akosha_hook.context import Context

    context = Context(settings.load(os.environ, paths), paths, os.environ)
    if step := confirm_installation(context, yes=yes):
        yield step


def _not_configured(paths: Paths) -> Iterator[str]:
    """What is still missing for an upload, judging by the current settings and credentials."""
    from akosha_hook import settings
    from akosha_hook.settings.derived import cloud_configured
    from akosha_hook.stores import credentials

    loaded = settings.load(os.environ, paths)
    if loaded.problems:
        yield f"correct the settings: {loaded.problems[0]}"
        return
    if loaded.settings.akosha_force_method == "http":
        return
    if not cloud_configured(loaded.settings):
        yield "set a bucket: akosha-hook config set akosha_cloud_bucket NAME"
        yield "unless it is on AWS, set its endpoint: akosha-hook config set akosha_cloud_endpoint URL"
    if loaded.settings.akosha_use_instance_role:
        return
    try:
        credentials.resolve(loaded.settings, os.environ, home=Path.home())
    except CredentialsError as error:
        yield f"provide credentials. {error.hint or error.message}"


def _show_next_steps(steps: Sequence[str]) -> None:
    if not steps:
        click.echo("Nothing is left to do. To upload right now: akosha-hook sync")
        return
    click.echo("Left to do:")
    for step in steps:
        click.echo(printable(f"  - {step}".replace("\n", "\n    ")))


def _offer_git(paths: Paths, directory: Path) -> None:
    """Say how to add the repository that contains `directory`, unless it is already added."""
    try:
        repository = git.find(directory)
    except AkoshaHookError:
        return
    places = installed_places(paths, os.environ, directory)
    if any(place.repository == repository.common for place in places):
        return
    top = printable(str(repository.top), keep="")
    click.echo(f"To upload after commits in {top} too: akosha-hook install --git")
