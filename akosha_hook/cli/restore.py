"""`akosha-hook restore`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from akosha_hook import catalog
from akosha_hook import restore as restoring
from akosha_hook.catalog import machine_of
from akosha_hook.cli import screen
from akosha_hook.cli.agent_flag import require_flag
from akosha_hook.cli.boundary import error_document, say_error
from akosha_hook.cli.confirm import confirm_source
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.sets_view import sets_document, show_sets
from akosha_hook.cli.when import When, local
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.state import identity
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from akosha_hook.context import Context
    from akosha_hook.restore import Plan, Restored, RestoreRequest

AS_STORED_NOTE = "Files would be as they were stored: no write-ahead log would be replayed."


@click.command()
@click.argument("upload_id", default="latest", required=False)
@click.option(
    "--system",
    "system_id",
    default="",
    metavar="ID",
    help="System whose memories to restore (default: this machine).",
)
@click.option(
    "--machine",
    default="",
    metavar="ID",
    help="Only uploads of this machine; the beginning of its id, as in `ls`, is enough.",
)
@click.option(
    "--at",
    type=When(end_of_day=True),
    help="Restore the newest upload made by then (2026-11-22, 3d, …).",
)
@click.option(
    "--file",
    "names",
    multiple=True,
    metavar="NAME",
    help="Restore only this database, or set of files; may be repeated.",
)
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Restore into this directory instead of the data directory.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be restored, and change nothing.")
@click.option(
    "--verify-only", is_flag=True, help="Download and check the upload, but restore nothing."
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace your databases even with another system's or machine's, or with damaged ones, and "
    "files of sets even if they are newer.",
)
@click.option(
    "--as-stored",
    is_flag=True,
    help="Give the stored bytes, even of a database that Session-Buddy could not open.",
)
@click.option(
    "--yes-replace-databases", "confirmed", is_flag=True, help="Needed under a coding agent only."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def restore(
    upload_id: str,
    system_id: str,
    machine: str,
    at: dt.datetime | None,
    names: tuple[str, ...],
    to: Path | None,
    dry_run: bool,
    verify_only: bool,
    force: bool,
    as_stored: bool,
    confirmed: bool,
    as_json: bool,
) -> int:
    """Restore memories from the bucket: those of UPLOAD_ID, or of the latest upload.

    The latest is this machine's own. Where another machine uploads under the same name, --machine
    takes that one's.

    Every file is checked against its SHA-256 and every database is read from end to end before
    anything is replaced. The replaced files are kept in a directory next to the new ones. Close
    Claude Code first: a database that is in use is never replaced.

    Of a set of files, such as session-files, those that are missing or older here are put back, and
    no file is deleted. With --to, a set goes into a folder of its name.

    Where Session-Buddy could not open a database as it was stored, the write-ahead log is replayed
    into the restored copy.
    """
    request = restoring.RestoreRequest(
        upload_id, system_id, at, names, to.absolute() if to else None, force, machine, as_stored
    )
    if at is not None and upload_id != restoring.LATEST:
        raise click.UsageError(
            "--at selects an upload, so it cannot be combined with an upload id."
        )
    if verify_only:
        return verify_upload(request, as_json=as_json)
    context = open_context()
    try:
        if dry_run:
            return _dry_run(request, context, as_json=as_json)
        if to is None:
            require_flag(
                context.environ,
                "--yes-replace-databases",
                given=confirmed,
                what="Replacing databases",
            )
            confirm_source(
                context,
                ("bucket", "data"),
                by="restore",
                what="restored",
                question="Restore from there this once?",
            )
        with exclusive(context, quiet=as_json) as context:
            result = restoring.restore(request, context)
    except AkoshaHookError as error:
        return _failed(error, as_json=as_json)
    if as_json:
        screen.print_json(as_document(result))
    else:
        _show(result, context)
    return 0


def verify_upload(request: RestoreRequest, *, as_json: bool) -> int:
    """What `verify` and `restore --verify-only` do."""
    context = open_context()
    try:
        confirm_source(
            context,
            ("bucket",),
            by="verify",
            what="verified",
            question="Verify what is there this once?",
        )
        with exclusive(context, quiet=as_json) as context:
            result = restoring.verify(request, context)
    except AkoshaHookError as error:
        return _failed(error, as_json=as_json)
    failure = restoring.damaged_newest(result.plan)
    exit_code = failure.exit_code if failure else ExitCode.OK
    if as_json:
        failed = {"success": False, **error_document(failure)} if failure else {}
        screen.print_json(as_document(result) | failed)
        return exit_code
    if failure:
        say_error(failure)
    upload = result.plan.upload
    click.echo(
        f"{upload.upload_id} can be restored: {_amount(result)}, checked in "
        f"{screen.duration(result.duration_seconds)}."
    )
    _show_checks(result)
    return exit_code


def _failed(error: AkoshaHookError, *, as_json: bool) -> int:
    if not as_json:
        raise error
    screen.print_json({"success": False, **error_document(error)})
    return error.exit_code


def _dry_run(request: RestoreRequest, context: Context, *, as_json: bool) -> int:
    store = catalog.open_to_read(context)
    plan = restoring.plan(store, request, context)
    plan = replace(plan, notes=(*plan.notes, *restoring.place_notes(plan)))
    if request.as_stored:
        plan = replace(plan, notes=(*plan.notes, AS_STORED_NOTE))
    sets = restoring.preview_sets(store, plan, request, context)
    if as_json:
        screen.print_json({"dry_run": True, **_plan_document(plan), "sets": sets_document(sets)})
        return 0
    _show_plan(plan)
    if plan.replaces:
        click.echo(f"Would be moved aside: {printable(', '.join(plan.replaces))}")
    show_sets(sets, are="would be ")
    seen = {each.name for each in sets}
    for each in plan.sets:
        if each.name not in seen:
            click.echo(f"{each.name}: not looked into, since it is large")
    _show_notes([note for each in sets for note in each.notes], plan)
    click.echo("Nothing was changed.")
    return 0


def _show_plan(plan: Plan) -> None:
    upload = plan.upload
    _warn_of_passed_over(plan)
    click.echo(f"Upload:     {upload.upload_id} of {upload.system_id}, {local(upload.at)}")
    click.echo(f"Into:       {printable(_into(plan))}")
    for each in plan.files:
        kind = "delta" if each.delta else "full"
        click.echo(f"  {kind:<6} {screen.size(each.size):>9}  {printable(each.name)}")
    click.echo(f"Download:   {screen.size(plan.download_bytes)}")
    _show_notes(plan.notes, plan)


def _into(plan: Plan) -> str:
    return " and ".join(str(each) for each in plan.directories)


def _warn_of_passed_over(plan: Plan) -> None:
    """Say first that what is restored is not the newest."""
    for each in plan.passed_over:
        click.echo(f"Warning: {printable(str(each))}", err=True)


def _show_notes(notes: Sequence[str], plan: Plan) -> None:
    said = {str(each) for each in plan.passed_over}
    for note in notes:
        if note not in said:
            click.echo(f"Note: {printable(note)}", err=True)


def _show(result: Restored, context: Context) -> None:
    upload = result.plan.upload
    _warn_of_passed_over(result.plan)
    click.echo(
        f"Restored {', '.join(printable(name) for name in result.plan.items)}: "
        f"{_amount(result)} in {screen.duration(result.duration_seconds)}."
    )
    click.echo(f"As of:     {local(upload.at)}")
    click.echo(f"Into:      {printable(_into(result.plan))}")
    click.echo(f"Upload id: {upload.upload_id}")
    show_sets(result.sets)
    _show_checks(result)
    if result.kept is not None:
        click.echo(
            f"The replaced files are kept; delete them once all is well:\n  {printable(str(result.kept))}"
        )
    own_id = identity.peek(context.paths, context.settings)
    if upload.system_id != own_id:
        click.echo(
            f"This machine uploads as {own_id}. To continue as {upload.system_id}: "
            f"akosha-hook config set akosha_system_id {upload.system_id}"
        )


def _amount(result: Restored) -> str:
    plain = sum(each.size for each in result.plan.files)
    return f"{screen.size(plain)} from a download of {screen.size(result.downloaded_bytes)}"


def _show_checks(result: Restored) -> None:
    intact = [name for name, each in result.checks.items() if not each.problem]
    if intact:
        click.echo(f"Read from end to end: {printable(', '.join(intact))}.")
    _show_notes(result.notes, result.plan)


def as_document(result: Restored) -> dict[str, Any]:
    """`restore --json` and `verify --json` (docs/json-output.md)."""
    return {
        "success": True,
        **_plan_document(result.plan),
        "notes": list(result.notes),
        "checks": {name: str(each) for name, each in result.checks.items()},
        "sets": sets_document(result.sets),
        "bytes_downloaded": result.downloaded_bytes,
        "duration_seconds": round(result.duration_seconds, 3),
        "kept": str(result.kept) if result.kept else None,
        "replayed": list(result.replayed),
    }


def _plan_document(plan: Plan) -> dict[str, Any]:
    return {
        "upload_id": plan.upload.upload_id,
        "system_id": plan.upload.system_id,
        "machine_id": machine_of(plan.upload),
        "whose": plan.whose,
        "uploaded_at": plan.upload.at.isoformat(),
        "directory": str(plan.directory),
        "files": [
            {"name": each.name, "size": each.size, "sha256": each.sha256, "delta": bool(each.delta)}
            for each in plan.files
        ],
        "replaces": list(plan.replaces),
        "notes": list(plan.notes),
    }
