"""What became, or would become, of the files of sets in a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.restore import SetResult


def show_sets(sets: Sequence[SetResult], *, are: str = "") -> None:
    """A line for each set; `are` stands before what happens to files, where it has yet to happen."""
    for each in sets:
        counts = [f"{_files(each.put_back)} {are}put back"]
        if each.newer:
            ones = "1 newer one" if len(each.newer) == 1 else f"{len(each.newer):,} newer ones"
            counts.append(
                f"{ones} {are}kept (--force replaces {'it' if len(each.newer) == 1 else 'them'})"
            )
        if each.blocked:
            counts.append(
                f"{_files(len(each.blocked))} {are}left out, since something else is there"
            )
        if each.same:
            counts.append(f"{each.same:,} there already")
        click.echo(f"{each.name}: {', '.join(counts)}.")
        click.echo(f"  into {printable(str(each.into))}")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def sets_document(sets: Sequence[SetResult]) -> dict[str, Any]:
    """`sets` of `restore --json` (docs/json-output.md)."""
    return {
        each.name: {
            "into": str(each.into),
            "put_back": each.put_back,
            "same": each.same,
            "newer_kept": len(each.newer),
            "blocked": len(each.blocked),
        }
        for each in sets
    }
