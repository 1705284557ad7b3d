"""`akosha-hook check-secrets`, the hook `akosha-check-secrets` of pre-commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.errors import ExitCode
from akosha_hook.settings.checks import check_secrets as check
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.settings.checks import Finding

FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))


@click.command(name="check-secrets")
@FILES
def check_secrets(files: tuple[Path, ...]) -> int:
    """Exit with 1 if any of FILES contains a credential.

    The message says where the credential belongs, and never shows it.
    """
    return ExitCode.FAILED if report(check(files)) else ExitCode.OK


def report(findings: Iterable[Finding]) -> bool:
    """Print all findings; True if any is more than a warning."""
    failed = False
    for finding in findings:
        click.echo(
            f"{'Warning' if finding.warning else 'Error'}: {printable(finding.message)}", err=True
        )
        failed = failed or not finding.warning
    return failed
