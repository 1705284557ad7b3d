"""`akosha-hook status`."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from akosha_hook import report as reports
from akosha_hook.cli import screen
from akosha_hook.cli.boundary import printable
from akosha_hook.cli.session import open_session

if TYPE_CHECKING:
    from akosha_hook.receipt import Receipt, Target
    from akosha_hook.report import Report

PHASES = {
    "snapshot": "taking a snapshot",
    "upload": "uploading",
    "manifest": "writing the manifest",
    "akosha": "pushing to Akosha",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything known as JSON.")
def status(as_json: bool) -> None:
    """Show what is known: last sync, waiting events, problems. Asks no server."""
    session = open_session(strict=False)
    found = reports.report(session.loaded, session.paths, session.environ, Path.cwd())
    if as_json:
        screen.print_json(reports.as_json(found))
        return
    for label, lines in _lines(found):
        for number, line in enumerate(lines):
            click.echo(f"{label if not number else '':<12}{printable(line)}")


def _lines(found: Report) -> list[tuple[str, list[str]]]:
    sections = [
        ("Backup", [_headline(found)]),
        ("To", [_where(found.destination, found.system_id)]),
        ("From", [str(found.data_directory)]),
        ("Last sync", [_success(found.last_success), *_checked(found)]),
    ]
    if found.last_failure is not None:
        sections.append(("Last failure", _failure(found.last_failure)))
    sections.append(("Now", _now(found)))
    sections.append(("Hooks", _hooks(found)))
    if found.problems:
        sections.append(("Problems", list(found.problems)))
    return [(label, lines) for label, lines in sections if lines]


def _headline(found: Report) -> str:
    if found.destination is None:
        return "off: no bucket is set. Try: akosha-hook config set akosha_cloud_bucket NAME"
    if found.loaded.problems:
        return "held up: the settings have a problem (below)"
    if not any(place.state == "working" for place in found.places):
        return "by hand only: no hook is installed. Try: akosha-hook install"
    return "on"


def _where(destination: Target | None, system_id: str) -> str:
    if destination is None:
        return "nowhere yet"
    if destination.method == "http":
        return f"Akosha server {destination.endpoint} (no bucket is set) as {system_id}"
    return f"bucket {destination.bucket} at {destination.endpoint or 'AWS'} as {system_id}"


def _success(paper: Receipt | None) -> str:
    if paper is None or paper.finished is None:
        return "never"
    when = dt.datetime.fromisoformat(paper.finished).timestamp()
    what = f"{len(paper.files_uploaded)} files, {screen.size(paper.bytes_transferred)}"
    if paper.method == "http":
        what = f"{paper.details.get('stored', 0)} memories to Akosha; the cloud still lacks them"
    return f"{screen.age(when)}: {what} in {screen.duration(paper.duration_seconds)}"


def _checked(found: Report) -> list[str]:
    last = found.worker.last
    if last is None or last.state != "unchanged" or last.error:
        return []
    return [f"checked, unchanged {screen.age(last.at)}"]


def _failure(paper: Receipt) -> list[str]:
    lines = [paper.error or "unknown"]
    if paper.hint:
        lines.append(f"Try: {paper.hint}")
    return lines


def _now(found: Report) -> list[str]:
    worker = found.worker
    lines = []
    if worker.phase in PHASES:
        share = f", {worker.done_bytes / worker.total_bytes:.0%}" if worker.total_bytes else ""
        lines.append(f"{PHASES[worker.phase]} {worker.file}{share}".rstrip())
        if worker.message:
            lines.append(worker.message)
    elif worker.phase == "waiting":
        lines.append(f"next sync in {screen.duration(max(0.0, worker.until - time.time()))}")
    if found.events:
        names = ", ".join(sorted({each.name for each in found.events}))
        lines.append(f"{len(found.events)} waiting: {names}")
    if found.next_try and worker.phase != "waiting":
        lines.append(f"next try in {screen.duration(found.next_try - time.time())}")
    last = worker.last
    if last is not None and last.error and found.last_failure is None:
        lines.append(last.error)
        if last.hint:
            lines.append(f"Try: {last.hint}")
    return lines or ["nothing to do"]


def _hooks(found: Report) -> list[str]:
    return [f"{place.kind}: {place.state}, {place.path}" for place in found.places] or ["none"]
