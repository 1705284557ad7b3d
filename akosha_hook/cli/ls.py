"""`akosha-hook ls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from akosha_hook import catalog
from akosha_hook.catalog import Ownership, copy_note, machine_name
from akosha_hook.cli import screen
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.table import table
from akosha_hook.cli.when import When
from akosha_hook.errors import AkoshaHookError
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from akosha_hook.catalog import Upload

LIMIT = 20
OWN = "this one"


@click.command()
@click.option("--system", "system_id", default="", metavar="ID", help="Show only this system.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="Number of uploads to show for each system.",
)
@click.option("--since", type=When(), help="Only uploads since then (2026-11-22, 12h, 3d, …).")
@click.option("--json", "as_json", is_flag=True, help="Print every field as JSON.")
def ls(system_id: str, limit: int, since: dt.datetime | None, as_json: bool) -> None:
    """List the systems in the bucket and their uploads, newest first.

    `Size` is the size of the restored files, `Stored` the space that the upload itself takes up in
    the bucket. A file is stored in full, as a delta to an earlier full one, or is the same as in an
    earlier upload; `carried` is the last good copy of a database that was not there. Where not all of them are this machine's own, by its records, `Machine` says whose
    each is; `changed` is one whose manifest somebody has overwritten.
    """
    context = open_context()
    ownership = Ownership.look(context)
    store = catalog.open_to_read(context)
    known = catalog.systems(store)
    if system_id and system_id not in known:
        raise AkoshaHookError(
            f"Nothing is stored for {system_id}.", hint="akosha-hook ls lists all systems."
        )
    documents = []
    for name in (system_id,) if system_id else known:
        found = catalog.survey(store, name, context, ownership)
        uploads = found.uploads
        wanted = [each for each in uploads if since is None or each.at >= since]
        shown = wanted[:limit]
        if as_json:
            documents.append(_system_document(name, uploads, shown, ownership))
            documents[-1]["notes"] = list(found.notes(name))
        else:
            _show(name, uploads, shown, ownership, more=len(wanted) - len(shown))
            for note in found.notes(name):
                click.echo(f"Note: {printable(note)}", err=True)
    if as_json:
        screen.print_json({"bucket": store.describe().name, "systems": documents})
    elif not known:
        click.echo(f"Bucket {printable(store.describe().name)} holds no uploads yet.")


def _show(
    name: str,
    uploads: Sequence[Upload],
    shown: Sequence[Upload],
    ownership: Ownership,
    *,
    more: int,
) -> None:
    total = screen.size(sum(each.stored_bytes for each in uploads))
    complete = sum(each.complete for each in uploads)
    plural = "" if complete == 1 else "s"
    name = printable(name, keep="")
    click.echo(f"{name}: {complete} complete upload{plural}, {total} stored")
    if not shown:
        return
    for line in _table(shown, [_machine(each, ownership) for each in shown]):
        click.echo(line)
    if more > 0:
        click.echo(f"{more} more: akosha-hook ls --system {name} -n {len(shown) + more}")
    if ahead := [each for each in shown if each.ahead]:
        click.echo(
            f"Note: {ahead[0].upload_id} claims to be of more than a day ahead of this machine's "
            "clock, and this machine has no record of it: such uploads come last.",
            err=True,
        )
    if copies := ownership.of_a_copy(uploads):
        click.echo(f"Note: {printable(copy_note(copies[0]))}", err=True)


def _table(shown: Sequence[Upload], machines: Sequence[str]) -> list[str]:
    """The rows; where all uploads are this machine's own, nothing need be said of machines."""
    heads = ["Upload", "When", "Size", "Stored", "Files", "Cause"]
    rows = [[*_row(each)] for each in shown]
    if not set(machines) - {OWN, ""}:
        return table(heads, rows, right=(2, 3))
    for row, machine in zip((heads, *rows), ("Machine", *machines), strict=True):
        row.insert(2, machine)
    return table(heads, rows, right=(3, 4))


def _row(upload: Upload) -> tuple[str, ...]:
    document = upload.manifest
    stored = screen.size(upload.stored_bytes)
    if document is None or not upload.complete:
        return (
            upload.upload_id,
            screen.age(upload.at.timestamp()),
            "",
            stored,
            state(upload),
            upload.problem,
        )
    details = document.metadata
    return (
        upload.upload_id,
        screen.age(upload.at.timestamp()),
        screen.size(sum(each.size for each in details.files)),
        stored,
        ", ".join(f"{count} {kind}" for kind, count in kinds(upload).items() if count),
        ", ".join(details.triggered_by),
    )


def _machine(upload: Upload, ownership: Ownership) -> str:
    whose = ownership.of(upload)
    if whose == "other":
        return machine_name(upload) if upload.manifest else ""
    return OWN if whose == "own" else "changed"


def state(upload: Upload) -> str:
    """`complete`, `damaged`, `lacking objects`, `incomplete`, or `base` (only objects are left)."""
    if upload.problem:
        return "damaged"
    if upload.missing:
        return "lacking objects"
    if upload.manifest is not None:
        return "complete"
    return "base" if upload.is_referenced else "incomplete"


def kinds(upload: Upload) -> dict[str, int]:
    """How many files are `full`, a `delta`, the `same` as in an earlier upload, or `carried`.

    Those are the last good copies of databases that were not in the snapshot.
    """
    counts = {"full": 0, "delta": 0, "same": 0, "carried": 0}
    here = f"systems/{upload.system_id}/uploads/{upload.upload_id}/"
    for each in upload.manifest.metadata.files if upload.manifest else ():
        kind = "same" if not each.key.startswith(here) else "delta" if each.delta else "full"
        if each.stale:
            kind = "carried"
        counts[kind] += 1
    return counts


def _system_document(
    name: str, uploads: Sequence[Upload], shown: Sequence[Upload], ownership: Ownership
) -> dict[str, Any]:
    return {
        "system_id": name,
        "uploads_complete": sum(each.complete for each in uploads),
        "stored_bytes": sum(each.stored_bytes for each in uploads),
        "uploads": [_document(each, ownership) for each in shown],
    }


def _document(upload: Upload, ownership: Ownership) -> dict[str, Any]:
    details = upload.manifest.metadata if upload.manifest else None
    return {
        "upload_id": upload.upload_id,
        "state": state(upload),
        "at": upload.at.isoformat(),
        "sequence": details.sequence if details else None,
        "machine_id": details.machine_id if details else None,
        "whose": ownership.of(upload),
        "ahead": upload.ahead,
        "triggered_by": list(details.triggered_by) if details else [],
        "conversation_count": upload.manifest.conversation_count if upload.manifest else None,
        "size": sum(each.size for each in details.files) if details else None,
        "stored_bytes": upload.stored_bytes,
        "files": [
            {
                "name": each.name,
                "size": each.size,
                "stored_size": each.stored_size,
                "key": each.key,
                "delta": bool(each.delta),
                "kind": each.kind,
                "stale": msgspec.to_builtins(each.stale),
            }
            for each in (details.files if details else ())
        ],
        "missing": list(upload.missing),
        "problem": upload.problem,
    }
