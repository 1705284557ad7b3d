"""`akosha-hook status`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.cli import screen, status_view
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import ExitCode
from akosha_hook.status.document import document
from akosha_hook.status.gather import gather

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.doctor import Finding
    from akosha_hook.status.report import Report

REFRESH_SECONDS = 0.5


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Also ask the servers: do they answer, and is the last upload in the bucket?",
)
@click.option("--watch", is_flag=True, help="Keep refreshing until interrupted (Ctrl-C).")
@click.option("--json", "as_json", is_flag=True, help="Print everything known as JSON.")
def status(check: bool, watch: bool, as_json: bool) -> int:
    """Show the last sync, waiting events, hooks and problems.

    Contacts no server unless --check is given, and changes nothing. With
    --check it exits with 4 if the keys are refused, 5 if a server cannot be
    reached, and 6 if the bucket lacks something of the last upload.

    \b
    akosha-hook status --watch    follow an upload
    akosha-hook status --check    is the last upload still in the bucket?
    """
    if watch and (as_json or check or not sys.stdout.isatty()):
        raise click.UsageError(
            "--watch needs a terminal and cannot be combined with other options."
        )
    context = open_context(strict=False)
    if watch:
        return _watch(context)
    servers = _ask(context) if check else None
    report = gather(context, Path.cwd())
    if as_json:
        answers = {} if servers is None else {"servers": [_as_json(each) for each in servers]}
        screen.print_json(document(report) | answers)
    else:
        screen.show(_sections(report, servers))
    failed = [each.exit_code for each in servers or () if each.state == "problem"]
    return failed[0] if failed else ExitCode.OK


def _sections(
    report: Report, servers: tuple[Finding, ...] | None = None
) -> list[tuple[str, list[screen.Line]]]:
    return [(label, lines) for label, lines in status_view.sections(report, servers) if lines]


def _ask(context: Context) -> tuple[Finding, ...]:
    from akosha_hook import doctor

    return tuple(doctor.servers(context))


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "name": f"{finding.area}: {finding.name}",
        "state": finding.state,
        "detail": finding.detail,
        "fix": finding.fix,
    }


def _watch(context: Context) -> int:
    from rich.live import Live

    console = screen.console()
    symbols = console.encoding.startswith("utf")
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                sections = _sections(gather(context, Path.cwd()))
                live.update(screen.as_table(sections, symbols=symbols), refresh=True)
                time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return ExitCode.OK
