"""`akosha-hook sync`."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from akosha_hook import files, outbox, selection, watch
from akosha_hook import sync as syncing
from akosha_hook.cli import screen
from akosha_hook.cli.boundary import printable
from akosha_hook.cli.session import open_session
from akosha_hook.conclude import conclude, remember_failure
from akosha_hook.delivery import Context
from akosha_hook.errors import AkoshaHookError
from akosha_hook.watch import ProgressFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.cli.session import Session
    from akosha_hook.outcome import Outcome
    from akosha_hook.progress import Progress

WAIT_POLL_SECONDS = 0.5
logger = logging.getLogger(__name__)


@click.command()
@click.option(
    "--method",
    type=click.Choice(["auto", "cloud", "http"]),
    default="auto",
    show_default=True,
    help="Which destination; cloud and http never fall back.",
)
@click.option("--no-fallback", is_flag=True, help="Do not push to Akosha if the cloud fails.")
@click.option("--full", is_flag=True, help="Send everything again, whatever is stored already.")
@click.option("--detach", is_flag=True, help="Leave it to the background worker and return.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sync(
    method: str, no_fallback: bool, full: bool, detach: bool, dry_run: bool, as_json: bool
) -> int:
    """Upload now, in the foreground.

    Tries at once, whatever backoff or interval say, and waits for an upload that is running.
    """
    request = syncing.Request(
        method=cast("selection.Method", method),
        allow_fallback=not no_fallback,
        triggered_by=("manual",),
        full=full,
    )
    try:
        session = open_session(writes=not dry_run)
        if detach:
            return _detach(session)
        if dry_run:
            return _dry_run(request, session, as_json=as_json)
        outcome = _run(request, session, quiet=as_json)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json(_nothing_done(request, error))
        return error.exit_code
    if as_json:
        screen.print_json(outcome.result())
    else:
        _say(outcome)
    return outcome.exit_code


def _detach(session: Session) -> int:
    from akosha_hook.handoff import start_worker

    outbox.record(session.paths, "manual", Path.cwd(), b"")
    start_worker(session.paths, session.environ)
    click.echo("Handed to the background worker. Watch it: akosha-hook status")
    return 0


def _run(request: syncing.Request, session: Session, *, quiet: bool) -> Outcome:
    lock = files.Lock(session.paths.sync_lock)
    with contextlib.ExitStack() as stack:
        if not lock.acquire():
            _wait(session, lock, quiet=quiet)
        stack.callback(lock.release)
        progress = stack.enter_context(_progress(session, quiet=quiet))
        context = Context(session.loaded.settings, session.paths, session.environ, progress)
        events = outbox.waiting(session.paths)
        logger.info("Sync by hand, method %s", request.method)
        try:
            outcome = syncing.run(request, context)
        except AkoshaHookError as error:
            remember_failure(error, context)
            raise
        conclude(outcome, events, context)
        return outcome


def _wait(session: Session, lock: files.Lock, *, quiet: bool) -> None:
    """Wait for the sync that is running, and say how far it is."""
    said = ""
    while not lock.acquire():
        state = watch.read(session.paths)
        share = f" {state.done_bytes / state.total_bytes:.0%}" if state.total_bytes else ""
        now = f"Waiting for the running sync: {state.phase} {state.file}{share}".rstrip()
        if not quiet and now != said and (not said or sys.stderr.isatty()):
            click.echo(printable(now), err=True)
            said = now
        time.sleep(WAIT_POLL_SECONDS)


@contextlib.contextmanager
def _progress(session: Session, *, quiet: bool) -> Iterator[Progress]:
    """Bars on a terminal, nothing in a pipe; `progress.json` always."""
    written = ProgressFile(session.paths)
    try:
        if quiet or not sys.stderr.isatty():
            yield written
        else:
            from akosha_hook.cli.bars import Bars

            with Bars(written) as bars:
                yield bars
    finally:
        written.idle()


def _nothing_done(request: syncing.Request, error: AkoshaHookError) -> dict[str, object]:
    return {
        "method": "cloud" if request.method == "auto" else request.method,
        "success": False,
        "files_uploaded": [],
        "bytes_transferred": 0,
        "duration_seconds": 0.0,
        "upload_id": None,
        "error": error.message,
        "hint": error.hint,
        "state": "failed",
    }


def _say(outcome: Outcome) -> None:
    receipt = outcome.receipt
    if outcome.state == "uploaded" and receipt is not None:
        if receipt.method == "cloud":
            stored = sum(each.size for each in receipt.files if each.status == "uploaded")
            click.echo(
                f"Uploaded {len(receipt.files_uploaded)} of {len(receipt.files)} files to "
                f"{receipt.destination.bucket}: {screen.size(stored)} sent as "
                f"{screen.size(receipt.bytes_transferred)} in "
                f"{screen.duration(outcome.duration_seconds)}."
            )
            click.echo(f"Upload id: {receipt.upload_id}")
        else:
            click.echo(_said_of_http(receipt.details))
    elif outcome.state == "unchanged" and outcome.unchanged:
        click.echo(f"Checked, unchanged: {printable(', '.join(outcome.unchanged))}.")
    for each in outcome.skipped:
        if each.reason == "missing":
            click.echo(f"Note: {printable(each.message)}.", err=True)
    for note in receipt.notes if receipt else ():
        click.echo(f"Note: {printable(note)}.", err=True)
    if outcome.error:
        click.echo(f"Error: {printable(outcome.error)}", err=True)
        if outcome.hint:
            click.echo(f"Try: {printable(outcome.hint)}", err=True)


def _said_of_http(details: dict[str, object]) -> str:
    stored, before = details.get("stored", 0), details.get("already_stored", 0)
    return f"Pushed to Akosha: {stored} memories stored, {before} there already."


def _dry_run(request: syncing.Request, session: Session, *, as_json: bool) -> int:
    from akosha_hook.preview import preview

    found = preview(request, session.loaded.settings, session.paths)
    if as_json:
        screen.print_json(found.as_json())
        return 0
    click.echo(f"Destination: {printable(found.destination)}")
    for each in found.files:
        click.echo(f"  {each.state:<9} {screen.size(each.size):>9}  {printable(each.name)}")
    click.echo("Nothing was sent.")
    return 0
