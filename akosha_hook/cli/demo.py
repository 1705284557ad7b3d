"""`akosha-hook demo`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from akosha_hook.util.text import printable


@click.command()
def demo() -> None:
    """Watch the main job end to end: no account, no settings, nothing of yours touched."""
    from akosha_hook.demo.walkthrough import check_environment, tell

    check_environment(os.environ)
    with tempfile.TemporaryDirectory(prefix="akosha-demo-") as directory:
        tell(Path(directory).resolve(), lambda line: click.echo(printable(line)))
