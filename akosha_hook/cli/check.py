"""`akosha-hook check`."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from akosha_hook import catalog
from akosha_hook import restore as restoring
from akosha_hook.cli import screen
from akosha_hook.cli.boundary import error_document, say_error
from akosha_hook.cli.confirm import confirm_source
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.when import local
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.state import identity
from akosha_hook.util.progress import Silent
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context
    from akosha_hook.restore import AllUploads


@click.command()
@click.option(
    "--read-data",
    is_flag=True,
    help="Download everything, compare every hash, and read every database from end to end.",
)
@click.option(
    "--system",
    "system_id",
    default="",
    metavar="ID",
    help="System to check, whichever machines upload to it (default: this machine).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(read_data: bool, system_id: str, as_json: bool) -> int:
    """Check that every upload in the bucket can be restored.

    Looks for every object that an upload needs, at its size: one listing, the
    manifests, and no data. --read-data proves it: what several uploads share is
    downloaded once, and the disk needs room for one database at a time.
    Exits with 6 if any upload cannot be restored.
    """
    context = open_context()
    started = time.monotonic()
    try:
        confirm_source(
            context,
            ("bucket",),
            by="check",
            what="checked",
            question="Check what is there this once?",
        )
        checked = _check(context, system_id, read_data=read_data, quiet=as_json)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json({"success": False, **error_document(error)})
        return error.exit_code
    seconds = time.monotonic() - started
    failure = _failure(checked, context)
    if as_json:
        failed = error_document(failure) if failure else {}
        screen.print_json(_document(checked, seconds) | failed)
    else:
        _show(checked, seconds)
        if failure:
            say_error(failure)
    return failure.exit_code if failure else 0


def _check(context: Context, system_id: str, *, read_data: bool, quiet: bool) -> AllUploads:
    store = catalog.open_to_read(context)
    system_id = system_id or identity.peek(context.paths, context.settings)
    checked = restoring.check_uploads(store, system_id, context)
    if not read_data:
        return checked
    with _progress(context, quiet=quiet) as context:  # noqa: PLR1704 - the same, with progress
        return restoring.read_all(store, checked, context)


@contextlib.contextmanager
def _progress(context: Context, *, quiet: bool) -> Iterator[Context]:
    """Bars on a terminal; the progress file is the sync's, which may run meanwhile."""
    if quiet or not sys.stderr.isatty():
        yield context
        return
    from akosha_hook.cli.bars import Bars

    with Bars(Silent()) as bars:
        yield dataclasses.replace(context, progress=bars)


def _failure(checked: AllUploads, context: Context) -> DamagedError | None:
    damaged = len(checked.damaged)
    if not damaged:
        return None
    count = screen.counted(len(checked.uploads), "upload")
    whole = next((each.upload.upload_id for each in checked.uploads if not each.problem), "")
    hints = []
    is_mine = checked.system_id == identity.peek(context.paths, context.settings)
    if checked.uploads[0].problem and is_mine:
        hints.append("akosha-hook sync --full makes a new upload.")
    if whole:
        hints.append(f"akosha-hook restore {whole} takes the newest that can be restored.")
    return DamagedError(
        f"{damaged} of {count} of {checked.system_id} cannot be restored.", hint=" ".join(hints)
    )


def _show(checked: AllUploads, seconds: float) -> None:
    for each in checked.damaged:
        upload = each.upload
        click.echo(f"Damaged: {upload.upload_id}, {local(upload.at)}: {printable(each.problem)}")
    whole = len(checked.uploads) - len(checked.damaged)
    if whole:
        click.echo(_proved(checked, whole, seconds))
    if len(checked.machines) > 1:
        click.echo(
            f"Note: {len(checked.machines)} machines upload as {checked.system_id}.", err=True
        )
    if checked.unfinished:
        count = screen.counted(len(checked.unfinished), "upload")
        click.echo(f"Note: not counted: {count} that never got a manifest.", err=True)
    for note in checked.notes:
        click.echo(f"Note: {printable(note)}", err=True)


def _proved(checked: AllUploads, whole: int, seconds: float) -> str:
    uploads = f"{screen.counted(whole, 'upload')} of {printable(checked.system_id)}"
    verb = "is" if whole == 1 else "are"
    if not checked.is_read:
        return (
            f"{uploads} {verb} complete: every object is there at its size. "
            "--read-data reads them all."
        )
    return (
        f"{uploads} can be restored: {screen.size(checked.downloaded_bytes)} read in "
        f"{screen.duration(seconds)}, every file has its SHA-256, and every database was read from "
        "end to end."
    )


def _document(checked: AllUploads, seconds: float) -> dict[str, Any]:
    """`check --json` (docs/json-output.md)."""
    return {
        "success": not checked.damaged,
        "system_id": checked.system_id,
        "read_data": checked.is_read,
        "uploads": [
            {
                "upload_id": each.upload.upload_id,
                "at": each.upload.at.isoformat(),
                "machine_id": each.upload.manifest.metadata.machine_id
                if each.upload.manifest
                else None,
                "restorable": not each.problem,
                "problem": each.problem,
                "missing": list(each.upload.missing),
            }
            for each in checked.uploads
        ],
        "unfinished": list(checked.unfinished),
        "objects": checked.objects,
        "bytes_downloaded": checked.downloaded_bytes,
        "duration_seconds": round(seconds, 3),
        "notes": list(checked.notes),
    }
