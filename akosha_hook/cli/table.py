"""Plain tables: as wide as needed in a pipe, no wider than the terminal on one."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from akosha_hook.util.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "
BLOCKS = "▁▂▃▄▅▆▇█"
CHART_WIDTH = 48


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> list[str]:
    """Lines of aligned columns; the columns in `right` are right-aligned.

    On a terminal, lines that are too long are cut.
    """
    cells = [[printable(each) for each in row] for row in (heads, *rows)]
    widths = [max(len(row[number]) for row in cells) for number in range(len(heads))]
    lines = []
    for row in cells:
        padded = [
            text.rjust(width) if number in right else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_fitted(GAP.join(padded).rstrip()))
    return lines


def _fitted(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    columns = shutil.get_terminal_size().columns
    return line if len(line) <= columns else line[: columns - 1] + "…"


def chart(values: Sequence[float]) -> str:
    """A bar for each value, relative to the largest; empty if it cannot be drawn."""
    largest = max(values, default=0.0)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if len(values) < 3 or largest <= 0 or not sys.stdout.isatty() or encoding != "utf8":  # noqa: PLR2004
        return ""
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[round(each / largest * steps)] for each in values[-CHART_WIDTH:])
