"""`akosha-hook forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from akosha_hook.cli import screen
from akosha_hook.cli.boundary import error_document
from akosha_hook.cli.exclusive import exclusive
from akosha_hook.cli.opening import open_context
from akosha_hook.errors import AkoshaHookError
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.forget import accept
from akosha_hook.sync.forget import forget as forget_database
from akosha_hook.util.clock import minute
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from akosha_hook.state.receipt import Collapse
    from akosha_hook.sync.forget import Forgot


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def forget(name: str, as_json: bool) -> int:
    """Give up the database NAME, which was stored once and is gone, or most of what was in it.

    Until then, every upload refers to its last good copy, and restore brings it back. Where a
    database is there and has lost most of its conversations, this says that it was meant: the upload
    that still has them is then pruned like any other. Nothing is deleted now: earlier uploads keep
    their copies until they are pruned.
    """
    try:
        context = open_context()
        with exclusive(context, quiet=as_json) as context:
            receipts = Receipts(context.paths)
            if lost := accept(name, context, receipts):
                _show_accepted(lost, as_json=as_json)
                return 0
            forgot = forget_database(name, context, receipts)
    except AkoshaHookError as error:
        if not as_json:
            raise
        screen.print_json({"success": False, **error_document(error)})
        return error.exit_code
    if as_json:
        screen.print_json(_document(forgot))
        return 0
    click.echo(f"{printable(name)} is forgotten: the next upload no longer refers to it.")
    if not forgot.upload_id:
        click.echo(f"No copy of it was found in bucket {forgot.bucket}.")
        return 0
    click.echo(
        f"Its last good copy, as of {minute(forgot.as_of)}, stays in bucket {forgot.bucket} until "
        "the uploads that refer to it are pruned. Until then, this brings it back:\n"
        f"  akosha-hook restore {forgot.upload_id} --file {printable(name)}"
    )
    return 0


def _show_accepted(lost: Collapse, *, as_json: bool) -> None:
    if as_json:
        document = {"success": True, "name": lost.name, "accepted": msgspec.to_builtins(lost)}
        screen.print_json(document)
        return
    click.echo(
        f"{printable(lost.name)} is taken as it is, with {lost.now:,} {lost.what}. Upload "
        f"{lost.upload_id}, which has {lost.before:,}, stays until it is pruned like any other."
    )


def _document(forgot: Forgot) -> dict[str, Any]:
    return {
        "success": True,
        "name": forgot.name,
        "as_of": forgot.as_of or None,
        "bucket": forgot.bucket,
        "upload_id": forgot.upload_id or None,
        "stays": list(forgot.keys),
    }
