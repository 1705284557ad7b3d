"""`akosha-hook history`."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

import click

from akosha_hook.cli import screen
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.table import chart, table
from akosha_hook.cli.when import When, local
from akosha_hook.state import receipt
from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.state.receipt import Receipt

LIMIT = 20


@click.command()
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    help="The newest so many.",
)
@click.option("--since", type=When(), help="Only from then on (2026-11-22, 12h, 3d, …).")
@click.option("--failed", is_flag=True, help="Only what failed or was cut off.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipts' main fields as JSON.")
def history(limit: int, since: dt.datetime | None, failed: bool, as_json: bool) -> None:
    """Show what was uploaded from here, and when, newest first. Asks no server.

    The newest 200 receipts are kept; `akosha-hook ls` shows what is in the bucket.
    """
    context = open_context(strict=False)
    found = (
        each
        for each in receipt.newest_first(context.paths)
        if (since is None or _started(each) >= since) and not (failed and each.success)
    )
    papers = sorted(found, key=_started, reverse=True)
    shown = list(itertools.islice(papers, limit))
    if as_json:
        screen.print_json([_document(each) for each in shown])
        return
    if not shown:
        click.echo("No failures." if failed else "Nothing was uploaded from here yet.")
        return
    heads = ("When", "To", "Files", "Sent", "Took", "Cause", "Result")
    for line in table(heads, [_row(each) for each in shown], right=(2, 3, 4)):
        click.echo(line)
    _chart(shown)
    if len(papers) > limit:
        click.echo(f"{len(papers) - limit} more: akosha-hook history -n {len(papers)}")


def _started(paper: Receipt) -> dt.datetime:
    try:
        when = dt.datetime.fromisoformat(paper.started)
    except ValueError:
        return dt.datetime.fromtimestamp(0, dt.UTC)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def _row(paper: Receipt) -> tuple[str, ...]:
    return (
        local(_started(paper)),
        "akosha" if paper.method == "http" else "cloud",
        str(len(paper.files_uploaded)) if paper.method == "cloud" else "",
        screen.size(paper.bytes_transferred),
        screen.duration(paper.duration_seconds),
        _cause(paper.triggered_by),
        _result(paper),
    )


def _cause(names: Sequence[str]) -> str:
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else ""


def _result(paper: Receipt) -> str:
    if paper.success:
        retries = len(paper.attempts)
        return f"ok, {retries} retried" if retries else "ok"
    if paper.state == "uploading":
        return "cut off, to be continued" + (f": {paper.error}" if paper.error else "")
    return f"failed: {paper.error or 'unknown'}"


def _chart(shown: Sequence[Receipt]) -> None:
    """Size and duration over time, oldest on the left."""
    good = [each for each in reversed(shown) if each.success and each.method == "cloud"]
    for label, values, say in (
        ("Sent", [float(each.bytes_transferred) for each in good], screen.size),
        ("Took", [each.duration_seconds for each in good], screen.duration),
    ):
        if bars := chart(values):
            click.echo(f"{label}  {bars}  {say(min(values))} to {say(max(values))}")


def _document(paper: Receipt) -> dict[str, Any]:
    return {
        "upload_id": paper.upload_id,
        "state": paper.state,
        "method": paper.method,
        "success": paper.success,
        "system_id": paper.system_id,
        "triggered_by": list(paper.triggered_by),
        "started": paper.started,
        "finished": paper.finished,
        "duration_seconds": paper.duration_seconds,
        "files_uploaded": list(paper.files_uploaded),
        "files_unchanged": list(paper.files_unchanged),
        "bytes_transferred": paper.bytes_transferred,
        "attempts": len(paper.attempts),
        "error": printable(paper.error) if paper.error else None,
        "hint": paper.hint,
    }
