"""`akosha-hook sync`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from akosha_hook.cli import screen
from akosha_hook.cli.boundary import error_document
from akosha_hook.cli.confirm import confirm_destination
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import AkoshaHookError, SettingsError
from akosha_hook.hook import outbox
from akosha_hook.state import collapsed
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as syncing
from akosha_hook.sync import select
from akosha_hook.util import agents
from akosha_hook.util.text import printable
from akosha_hook.worker.finish import finish, remember_failure

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.sync.outcome import Outcome

logger = logging.getLogger(__name__)


@click.command()
@click.option(
    "--method",
    type=click.Choice(["auto", "cloud", "http"]),
    default="auto",
    show_default=True,
    help="Destination to use; cloud and http never fall back. Unless you type it at a terminal, "
    "the settings have to allow it.",
)
@click.option("--no-fallback", is_flag=True, help="Do not push to Akosha if the cloud fails.")
@click.option("--full", is_flag=True, help="Upload everything again, even what is already stored.")
@click.option("--detach", is_flag=True, help="Leave it to the background worker and return.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sync(
    method: str, no_fallback: bool, full: bool, detach: bool, dry_run: bool, as_json: bool
) -> int:
    """Upload now, in the foreground.

    Starts at once, regardless of backoff and interval; waits first if an upload is running.
    """
    request = syncing.Request(
        method=cast("select.RequestedMethod", method),
        allow_fallback=not no_fallback,
        triggered_by=("manual",),
        full=full,
        typed=agents.person_at_terminal(os.environ),
    )
    try:
        context = open_context(writes=not dry_run)
        if not as_json:
            _warn(context)
        if dry_run:
            return _dry_run(request, context, as_json=as_json)
        _confirm(request, context)
        if detach:
            return _detach(context)
        outcome = _run(request, context, quiet=as_json)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json(_failure_document(request, error))
        return error.exit_code
    if as_json:
        screen.print_json(outcome.result())
    else:
        _show(outcome)
        if outcome.error and outcome.method == "http" and not _chose_http(request, context):
            click.echo(
                "No bucket is set. To use one: akosha-hook config set akosha_cloud_bucket NAME",
                err=True,
            )
    return outcome.exit_code


def _confirm(request: syncing.Request, context: Context) -> None:
    """Have a person at a terminal confirm where this sync leads."""
    try:
        chain = syncing.destinations(request, context)
    except SettingsError:
        return  # the sync itself says so
    confirm_destination(context, chain, by="sync")


def _warn(context: Context) -> None:
    """Print the warnings about settings: a misspelt name may explain what follows."""
    for each in context.loaded.warnings:
        click.echo(f"Warning: {printable(each)}", err=True)


def _chose_http(request: syncing.Request, context: Context) -> bool:
    """Whether the user chose Akosha, and it is not used only because no bucket is set."""
    return "http" in (request.method, context.settings.akosha_force_method)


def _detach(context: Context) -> int:
    from akosha_hook.hook.spawn import start_worker

    outbox.record(context.paths, "manual", Path.cwd(), b"")
    start_worker(context.paths, context.environ)
    click.echo("Handed to the background worker. To follow it: akosha-hook status --watch")
    return 0


def _run(request: syncing.Request, context: Context, *, quiet: bool) -> Outcome:
    with exclusive(context, quiet=quiet) as context:  # noqa: PLR1704 - the same, with progress
        events = outbox.waiting(context.paths)
        logger.info("Sync by hand, method %s", request.method)
        receipts = Receipts(context.paths)
        try:
            outcome = syncing.run(request, context, receipts)
        except AkoshaHookError as error:
            remember_failure(error, context, receipts)
            raise
        finish(outcome, events, context, receipts)
        return outcome


def _failure_document(request: syncing.Request, error: AkoshaHookError) -> dict[str, object]:
    return {
        "method": "cloud" if request.method == "auto" else request.method,
        "success": False,
        "files_uploaded": [],
        "bytes_transferred": 0,
        "duration_seconds": 0.0,
        "upload_id": None,
        "state": "failed",
        **error_document(error),
    }


def _show(outcome: Outcome) -> None:
    receipt = outcome.receipt
    if outcome.state == "uploaded" and receipt is not None:
        if receipt.method == "cloud":
            stored = sum(each.size for each in receipt.files if each.status == "uploaded")
            click.echo(
                f"Uploaded {screen.files_sent(receipt)} of {len(receipt.files)} files to "
                f"{receipt.destination.bucket}: {screen.size(stored)} sent as "
                f"{screen.size(receipt.bytes_transferred)} in "
                f"{screen.duration(outcome.duration_seconds)}."
            )
            click.echo(f"Upload id: {receipt.upload_id}")
        else:
            click.echo(_pushed(receipt.details))
    elif outcome.state == "unchanged" and outcome.unchanged:
        click.echo(f"Unchanged since the last upload: {printable(', '.join(outcome.unchanged))}.")
    for collapse in outcome.collapsed:
        click.echo(f"Warning: {printable(collapsed.summary(collapse))}.", err=True)
        click.echo(f"Try: {printable(collapsed.advice(collapse))}", err=True)
    _show_missed(outcome)
    for note in receipt.notes if receipt else ():
        click.echo(f"Note: {printable(note)}.", err=True)
    _show_error(outcome)


def _show_missed(outcome: Outcome) -> None:
    for each in outcome.missed:
        click.echo(f"Note: {printable(each.message)}.", err=True)


def _show_error(outcome: Outcome) -> None:
    if outcome.error:
        click.echo(f"Error: {printable(outcome.error)}", err=True)
        if outcome.hint:
            click.echo(f"Try: {printable(outcome.hint)}", err=True)


def _pushed(details: dict[str, object]) -> str:
    stored, before = details.get("stored", 0), details.get("already_stored", 0)
    return f"Pushed to Akosha: {stored} memories stored, {before} already there."


def _dry_run(request: syncing.Request, context: Context, *, as_json: bool) -> int:
    from akosha_hook.sync.preview import preview

    plan = preview(request, context)
    if as_json:
        screen.print_json(plan.as_json())
        return plan.outcome.exit_code
    click.echo(f"Destination: {printable(plan.destination)}")
    width = max((len(each.state) for each in plan.files), default=0)
    for each in plan.files:
        click.echo(f"  {each.state:<{width}} {screen.size(each.size):>9}  {printable(each.name)}")
    _show_missed(plan.outcome)
    _show_error(plan.outcome)
    click.echo("Nothing was sent.")
    return plan.outcome.exit_code
