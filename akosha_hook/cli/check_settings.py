"""`akosha-hook check-settings`, the hook `akosha-check-settings` of pre-commit."""

from __future__ import annotations

from pathlib import Path

import click

from akosha_hook.cli.check_secrets import FILES, report
from akosha_hook.errors import ExitCode
from akosha_hook.settings.checks import check_settings as check


@click.command(name="check-settings")
@FILES
def check_settings(files: tuple[Path, ...]) -> int:
    """Exit with 3 if any of FILES contains a value that cannot be used."""
    return ExitCode.SETTINGS if report(check(files, home=Path.home())) else ExitCode.OK
