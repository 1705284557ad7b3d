"""`akosha-hook history`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from akosha_hook.cli import screen
from akosha_hook.cli.opening import open_context
from akosha_hook.cli.table import chart, table
from akosha_hook.cli.when import When, local
from akosha_hook.state.receipts import Receipts
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
    help="Number of receipts to show.",
)
@click.option("--since", type=When(), help="Only uploads since then (2026-11-22, 12h, 3d, …).")
@click.option("--failed", is_flag=True, help="Only uploads that failed or were interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipts' main fields as JSON.")
def history(limit: int, since: dt.datetime | None, failed: bool, as_json: bool) -> None:
    """Show past uploads from this machine, newest first, from its receipts.

    Contacts no server. The newest 200 receipts are kept; `akosha-hook ls` shows what is in the
    bucket.
    """
    context = open_context(strict=False)
    wanted = [
        each
        for each in Receipts(context.paths).newest_first()
        if (since is None or _started(each) >= since) and not (failed and each.success)
    ]
    wanted.sort(key=_started, reverse=True)
    shown = wanted[:limit]
    if as_json:
        screen.print_json([_document(each) for each in shown])
        return
    if not shown:
        click.echo("No failures." if failed else "Nothing has been uploaded from here yet.")
        return
    heads = ("When", "To", "Files", "Sent", "Took", "Cause", "Result")
    for line in table(heads, [_row(each) for each in shown], right=(2, 3, 4)):
        click.echo(line)
    _chart(shown)
    if len(wanted) > limit:
        click.echo(f"{len(wanted) - limit} more: akosha-hook history -n {len(wanted)}")


def _started(receipt: Receipt) -> dt.datetime:
    try:
        when = dt.datetime.fromisoformat(receipt.started)
    except ValueError:
        return dt.datetime.fromtimestamp(0, dt.UTC)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)


def _row(receipt: Receipt) -> tuple[str, ...]:
    return (
        local(_started(receipt)),
        "akosha" if receipt.method == "http" else "cloud",
        str(screen.files_sent(receipt)) if receipt.method == "cloud" else "",
        screen.size(receipt.bytes_transferred),
        screen.duration(receipt.duration_seconds),
        _cause(receipt.triggered_by),
        _result(receipt),
    )


def _cause(names: Sequence[str]) -> str:
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else ""


def _result(receipt: Receipt) -> str:
    if receipt.success:
        retries = len(receipt.attempts)
        said = ["ok", screen.counted(retries, "retry", "retries") if retries else ""]
        if receipt.skipped:
            said.append(f"without {', '.join(sorted(receipt.skipped))}")
        return ", ".join(filter(None, said))
    if receipt.state == "uploading":
        return "interrupted, to be continued" + (f": {receipt.error}" if receipt.error else "")
    return f"failed: {receipt.error or 'unknown'}"


def _chart(shown: Sequence[Receipt]) -> None:
    """Sizes and durations over time, oldest on the left."""
    successes = [each for each in reversed(shown) if each.success and each.method == "cloud"]
    for label, values, words in (
        ("Sent", [float(each.bytes_transferred) for each in successes], screen.size),
        ("Took", [each.duration_seconds for each in successes], screen.duration),
    ):
        if bars := chart(values):
            click.echo(f"{label}  {bars}  {words(min(values))} to {words(max(values))}")


def _document(receipt: Receipt) -> dict[str, Any]:
    return {
        "upload_id": receipt.upload_id,
        "state": receipt.state,
        "method": receipt.method,
        "success": receipt.success,
        "system_id": receipt.system_id,
        "triggered_by": list(receipt.triggered_by),
        "started": receipt.started,
        "finished": receipt.finished,
        "duration_seconds": receipt.duration_seconds,
        "files_uploaded": list(receipt.files_uploaded),
        "files_unchanged": list(receipt.files_unchanged),
        "skipped": receipt.skipped,
        "bytes_transferred": receipt.bytes_transferred,
        "attempts": len(receipt.attempts),
        "error": printable(receipt.error) if receipt.error else None,
        "hint": receipt.hint,
    }
