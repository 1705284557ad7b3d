"""`akosha-hook status`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook.cli import screen
from akosha_hook.cli import status_view as board
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import ExitCode
from akosha_hook.status import report as reports

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.doctor import Finding
    from akosha_hook.status.report import Report

REFRESH_SECONDS = 0.5


@click.command()
@click.option("--check", is_flag=True, help="Ask the servers too: do they answer, do the keys fit?")
@click.option("--watch", is_flag=True, help="Keep showing it, until interrupted (Ctrl-C).")
@click.option("--json", "as_json", is_flag=True, help="Print everything known as JSON.")
def status(check: bool, watch: bool, as_json: bool) -> int:
    """Show what is known: last sync, waiting events, problems.

    Asks no server, unless told to, and changes nothing.

    \b
    akosha-hook status --watch    follow an upload
    akosha-hook status --check    do the servers answer, do the keys fit?
    """
    if watch and (as_json or check or not sys.stdout.isatty()):
        raise click.UsageError("--watch needs a terminal, and goes with no other option.")
    context = open_context(strict=False)
    if watch:
        return _watch(context)
    found = _look(context)
    servers = _ask(context) if check else None
    if as_json:
        asked = {"servers": [_as_json(each) for each in servers]} if servers is not None else {}
        screen.print_json(reports.as_json(found) | asked)
    else:
        screen.show(_sections(found, servers))
    failed = [each.exit_code for each in servers or () if each.state == "problem"]
    return failed[0] if failed else ExitCode.OK


def _look(context: Context) -> Report:
    return reports.report(context.loaded, context.paths, context.environ, Path.cwd())


def _sections(
    found: Report, servers: tuple[Finding, ...] | None = None
) -> list[tuple[str, list[screen.Line]]]:
    return [(label, lines) for label, lines in board.sections(found, servers) if lines]


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
                table = screen.as_table(_sections(_look(context)), symbols=symbols)
                live.update(table, refresh=True)
                time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return ExitCode.OK
