"""`akosha-hook prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from akosha_hook import catalog
from akosha_hook import prune as pruning
from akosha_hook.cli import screen
from akosha_hook.cli.boundary import error_document
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.table import table
from akosha_hook.cli.when import local
from akosha_hook.errors import AkoshaHookError
from akosha_hook.prune import Keep
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from akosha_hook.context import Context
    from akosha_hook.prune import Plan, Pruned

COUNT = click.IntRange(min=0)


@click.command()
@click.option("--keep-last", type=COUNT, metavar="N", help="Keep the newest N uploads.")
@click.option("--keep-daily", type=COUNT, metavar="N", help="Keep the newest of each of N days.")
@click.option("--keep-weekly", type=COUNT, metavar="N", help="Keep the newest of each of N weeks.")
@click.option(
    "--keep-monthly", type=COUNT, metavar="N", help="Keep the newest of each of N months."
)
@click.option(
    "--system",
    "system_id",
    default="",
    metavar="ID",
    help="Prune this system, whichever machines upload to it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prune(
    keep_last: int | None,
    keep_daily: int | None,
    keep_weekly: int | None,
    keep_monthly: int | None,
    system_id: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Delete old uploads from the bucket, and nothing that a kept one needs.

    What is kept is said by the options, else by the akosha_keep_* settings. The newest complete
    upload always stays. Unfinished uploads go when they are a day old.
    """
    context = open_context()
    flags = (keep_last, keep_daily, keep_weekly, keep_monthly)
    by_settings = Keep.by_settings(context.settings)
    keep = Keep(*(each or 0 for each in flags)) if any(flags) else by_settings
    if not any(flags) and any(each is not None for each in flags):
        raise click.UsageError("Keeping 0 of everything is not what you want; leave it out.")
    try:
        with exclusive(context, quiet=as_json) as context:
            found, done = _prune(keep, context, system_id, dry_run=dry_run)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json({"success": False, **error_document(error)})
        return error.exit_code
    if as_json:
        screen.print_json(_document(found, done))
    else:
        _say(found, done)
    return 0


def _prune(
    keep: Keep, context: Context, system_id: str, *, dry_run: bool
) -> tuple[Plan, Pruned | None]:
    bucket = catalog.open_to_read(context)
    found = pruning.plan(bucket, keep, context, system_id=system_id)
    return found, None if dry_run else pruning.apply(bucket, found)


def _say(found: Plan, done: Pruned | None) -> None:
    rows = [("keep", upload_id, reason) for upload_id, reason in found.kept.items()]
    verb = "delete" if done is None else "deleted"
    rows += [(verb, each.upload_id, local(each.at)) for each in found.removed]
    rows += [(verb, each.upload_id, "never completed") for each in found.abandoned]
    for line in table(("", f"Uploads of {found.system_id}", ""), rows):
        click.echo(line)
    if found.leaned_on:
        click.echo(
            f"Objects of them that kept uploads need, and that stay: {len(found.leaned_on)}."
        )
    gone = len(found.removed) + len(found.abandoned)
    amount = f"{screen.counted(gone, 'upload')}, {screen.size(found.freed_bytes)}"
    if found.unfinished:
        amount += f", {screen.counted(len(found.unfinished), 'unfinished multipart upload')}"
    if done is None:
        click.echo(f"Would delete {amount}. Nothing was deleted.")
    elif found.nothing_to_do:
        click.echo("Nothing to delete.")
    else:
        click.echo(f"Deleted {amount}.")
    for note in (done or found).notes:
        click.echo(f"Note: {printable(note)}", err=True)


def _document(found: Plan, done: Pruned | None) -> dict[str, Any]:
    return {
        "success": True,
        "dry_run": done is None,
        "system_id": found.system_id,
        "kept": dict(found.kept),
        "removed": [each.upload_id for each in found.removed],
        "abandoned": [each.upload_id for each in found.abandoned],
        "objects_deleted": [*found.manifests, *found.objects],
        "objects_still_needed": list(found.leaned_on),
        "multipart_uploads_aborted": [key for key, _ in found.unfinished],
        "freed_bytes": found.freed_bytes,
        "notes": list((done or found).notes),
    }
