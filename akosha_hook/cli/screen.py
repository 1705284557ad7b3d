"""How commands print: labelled lines, sizes, ages and JSON, on a terminal or in a pipe."""

from __future__ import annotations

import os
import sys
import time
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from akosha_hook.util.text import as_json, printable, with_tilde

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from akosha_hook.state.receipt import Receipt

UNITS = ("B", "kB", "MB", "GB", "TB")
LABEL_WIDTH = 14
MINUTE, HOUR, DAY = 60, 3600, 86_400


class Tone(Enum):
    """How a line is meant: its symbol, the symbol in ASCII, and its style on a terminal."""

    PLAIN = (" ", " ", "")
    OK = ("✓", "+", "green")
    WARNING = ("!", "!", "yellow")
    PROBLEM = ("✗", "x", "red")
    BUSY = ("»", ">", "cyan")
    HINT = (" ", " ", "cyan")
    DIM = (" ", " ", "dim")


JUDGED = frozenset({Tone.OK, Tone.WARNING, Tone.PROBLEM})


class Line(NamedTuple):
    """A line of text, which may contain anything, and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


def show(labelled: Iterable[tuple[str, Iterable[Line]]], *, words: bool = False) -> None:
    """Print labels and their lines: folded to the width of a terminal, unfolded in a pipe.

    `words` prints each line's tone in a pipe, where there is no symbol and no colour for it.
    """
    if sys.stdout.isatty():
        target = console()
        target.print(as_table(labelled, symbols=target.encoding.startswith("utf")))
        return
    for label, lines in labelled:
        for number, line in enumerate(lines):
            word = f"{line.tone.name.lower() if line.tone in JUDGED else '':<9}" if words else ""
            click.echo(f"{label if not number else '':<{LABEL_WIDTH}}{word}{shown(line.text)}")


def as_table(labelled: Iterable[tuple[str, Iterable[Line]]], *, symbols: bool) -> Table:
    """Labels, symbols and folded text in three columns, for a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, min_width=LABEL_WIDTH - 1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, lines in labelled:
        for number, line in enumerate(lines):
            symbol, ascii_symbol, style = line.tone.value
            loud = line.tone in {Tone.PROBLEM, Tone.HINT, Tone.DIM}
            table.add_row(
                Text(label if not number else "", "bold"),
                Text(symbol if symbols else ascii_symbol, style),
                Text(shown(line.text), style if loud else ""),
            )
    return table


def shown(text: str) -> str:
    """`text` with control characters escaped and the home directory as `~`."""
    return with_tilde(printable(text.replace("\n", " ")), os.environ.get("HOME", ""))


def console() -> Console:
    """stdout for rich: colour only on a terminal, and not with `NO_COLOR`."""
    from rich.console import Console

    interactive = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not interactive, emoji=False, markup=False)


def print_json(document: Any) -> None:
    """One indented JSON document on stdout."""
    click.echo(as_json(document))


def counted(count: int, one: str, many: str = "") -> str:
    """`1 upload`, `3 uploads`; `many` for an irregular plural."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def files_sent(receipt: Receipt) -> int:
    """How many files an upload stored: a delta and a base that was copied along are one."""
    sent = set(receipt.files_uploaded)
    if not receipt.files:
        return len(sent)
    return sum(not sent.isdisjoint(each.keys) for each in receipt.files)


def size(count: float) -> str:
    """Bytes for people: `45.4 MB`, powers of 1000."""
    for unit in UNITS[:-1]:
        if abs(count) < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {UNITS[-1]}"


def duration(seconds: float) -> str:
    """`0.8 s`, `3 min`, `5 h`, `2 days`."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    for limit, divisor, unit in (
        (MINUTE, 1, "s"),
        (HOUR, MINUTE, "min"),
        (2 * DAY, HOUR, "h"),
    ):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / DAY:.0f} days"


def age(epoch: float) -> str:
    """How long ago `epoch` was; `just now` for the future."""
    passed = time.time() - epoch
    return "just now" if passed < 1 else f"{duration(passed)} ago"
