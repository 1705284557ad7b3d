"""What the commands print with: sizes, ages, JSON, and a terminal that may not be one."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

UNITS = ("B", "kB", "MB", "GB", "TB")
MINUTE, HOUR, DAY = 60, 3600, 86_400


def console() -> Console:
    """stdout as rich sees it: colour and symbols on a terminal only, `NO_COLOR` honoured."""
    from rich.console import Console

    interactive = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not interactive, emoji=False, markup=False)


def print_json(document: Any) -> None:
    """One indented JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


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
    """How long ago; a time in the future is `just now`."""
    passed = time.time() - epoch
    return "just now" if passed < 1 else f"{duration(passed)} ago"
