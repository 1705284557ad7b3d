"""`akosha-hook prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from akosha_hook import catalog
from akosha_hook import prune as pruning
from akosha_hook.cli import screen
from akosha_hook.cli.agent_flag import require_flag
from akosha_hook.cli.boundary import error_document
from akosha_hook.cli.confirm import confirm_source
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.table import table
from akosha_hook.cli.when import local
from akosha_hook.errors import AkoshaHookError
from akosha_hook.prune import Keep
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from akosha_hook.prune import Plan, Pruned

COUNT = click.IntRange(min=0)


@click.command()
@click.option("--keep-last", type=COUNT, metavar="N", help="Keep the newest N uploads.")
@click.option(
    "--keep-daily", type=COUNT, metavar="N", help="Keep the newest upload of each of N days."
)
@click.option(
    "--keep-weekly", type=COUNT, metavar="N", help="Keep the newest upload of each of N weeks."
)
@click.option(
    "--keep-monthly", type=COUNT, metavar="N", help="Keep the newest upload of each of N months."
)
@click.option(
    "--system",
    "system_id",
    default="",
    metavar="ID",
    help="System to prune, whichever machines upload to it (default: this machine's own uploads).",
)
@click.option(
    "--ignore-collapse",
    is_flag=True,
    help="Do not keep the last upload before conversations went missing.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@click.option(
    "--yes-delete-uploads", "confirmed", is_flag=True, help="Needed under a coding agent only."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prune(
    keep_last: int | None,
    keep_daily: int | None,
    keep_weekly: int | None,
    keep_monthly: int | None,
    system_id: str,
    ignore_collapse: bool,
    dry_run: bool,
    confirmed: bool,
    as_json: bool,
) -> int:
    """Delete old uploads from the bucket, but nothing that a kept one needs.

    The options say what to keep; without any, the akosha_keep_* settings do. Always kept are the
    newest complete upload, the last good copy of a database that it lacks, the last upload that has
    at least twice as many conversations as a later one, and what is younger than an hour. Unfinished uploads are deleted once they are a day old. Uploads that are not known to be
    this machine's own are left alone, unless --system names their system.
    """
    context = open_context()
    flags = (keep_last, keep_daily, keep_weekly, keep_monthly)
    by_settings = Keep.by_settings(context.settings)
    keep = Keep(*(each or 0 for each in flags)) if any(flags) else by_settings
    if not any(flags) and any(each is not None for each in flags):
        raise click.UsageError("Every --keep option is 0; give at least one a positive number.")
    try:
        if not dry_run:
            require_flag(
                context.environ, "--yes-delete-uploads", given=confirmed, what="Deleting uploads"
            )
        if not dry_run:
            confirm_source(
                context,
                ("bucket",),
                by="prune",
                what="deleted",
                question="Delete uploads there this once?",
            )
        with exclusive(context, quiet=as_json) as context:
            store = catalog.open_to_read(context)
            plan = pruning.plan(
                store, keep, context, system_id=system_id, ignore_collapse=ignore_collapse
            )
            pruned = None if dry_run else pruning.apply(store, plan, context)
            if ignore_collapse and not dry_run:
                pruning.accept_losses(context, plan.system_id)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json({"success": False, **error_document(error)})
        return error.exit_code
    if as_json:
        screen.print_json(_document(plan, pruned))
    else:
        _show(plan, pruned)
    return 0


def _show(plan: Plan, pruned: Pruned | None) -> None:
    rows = [("keep", upload_id, reason) for upload_id, reason in plan.kept.items()]
    verb = "delete" if pruned is None else "deleted"
    rows += [(verb, each.upload_id, local(each.at)) for each in plan.removed]
    rows += [(verb, each.upload_id, "never completed") for each in plan.abandoned]
    for line in table(("", f"Uploads of {plan.system_id}", ""), rows):
        click.echo(line)
    if stay := len(plan.still_needed) + len(pruned.spared if pruned else ()):
        click.echo(f"Objects of deleted uploads that stay because kept ones need them: {stay}.")
    gone = len(plan.removed) + len(plan.abandoned)
    freed = plan.freed_bytes if pruned is None else pruned.freed_bytes
    amount = f"{screen.counted(gone, 'upload')}, {screen.size(freed)}"
    if plan.unfinished:
        amount += f", {screen.counted(len(plan.unfinished), 'unfinished multipart upload')}"
    if pruned is None:
        click.echo(f"Would delete {amount}. Nothing was deleted.")
    elif plan.nothing_to_do:
        click.echo("Nothing to delete.")
    else:
        click.echo(f"Deleted {amount}.")
    for note in (pruned or plan).notes:
        click.echo(f"Note: {printable(note)}", err=True)


def _document(plan: Plan, pruned: Pruned | None) -> dict[str, Any]:
    spared = pruned.spared if pruned else ()
    return {
        "success": True,
        "dry_run": pruned is None,
        "system_id": plan.system_id,
        "kept": dict(plan.kept),
        "removed": [each.upload_id for each in plan.removed],
        "abandoned": [each.upload_id for each in plan.abandoned],
        "objects_deleted": [*plan.manifests, *(key for key in plan.objects if key not in spared)],
        "objects_still_needed": [*plan.still_needed, *spared],
        "multipart_uploads_aborted": [key for key, _ in plan.unfinished],
        "freed_bytes": pruned.freed_bytes if pruned else plan.freed_bytes,
        "notes": list((pruned or plan).notes),
    }
