"""`akosha-hook demo`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from akosha_hook.util.text import printable


@click.command()
def demo() -> None:
    """Run the whole cycle end to end, in a temporary home.

    Needs no account and no settings, and touches nothing of yours.
    """
    from akosha_hook.demo.walkthrough import check_environment, run

    check_environment(os.environ)
    with tempfile.TemporaryDirectory(prefix="akosha-demo-") as directory:
        run(Path(directory).resolve(), lambda line: click.echo(printable(line)))
