"""`akosha-hook verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from akosha_hook import restore as restoring
from akosha_hook.cli.restore import verify_upload
from akosha_hook.cli.when import When

if TYPE_CHECKING:
    import datetime as dt


@click.command()
@click.argument("upload_id", default="latest", required=False)
@click.option(
    "--system",
    "system_id",
    default="",
    metavar="ID",
    help="System to verify (default: this machine).",
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
    help="Verify the newest upload made by then (2026-11-22, 3d, …).",
)
@click.option(
    "--file",
    "names",
    multiple=True,
    metavar="NAME",
    help="Verify only this database; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(
    upload_id: str,
    system_id: str,
    machine: str,
    at: dt.datetime | None,
    names: tuple[str, ...],
    as_json: bool,
) -> int:
    """Prove that an upload can be restored: download it, check it and discard it.

    `akosha-hook status` shows when this was last done, and with what result.
    """
    request = restoring.RestoreRequest(upload_id, system_id, at, names, machine=machine)
    return verify_upload(request, as_json=as_json)
