"""What a bench found: rows to print, ratios to hold, peers that were not there."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Budget:
    """A ratio of design: `measured` must not be above `allowed`."""

    what: str
    measured: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.measured <= self.allowed


@dataclass(frozen=True)
class Table:
    """`rows` in the order of `columns`; numbers as numbers, the unit in the column's name.

    `versions` are the peers', None where one is not installed.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str | float, ...]]
    budgets: list[Budget] = field(default_factory=list)
    versions: dict[str, str | None] = field(default_factory=dict)


def machine() -> dict[str, str | int | None]:
    """What the numbers depend on."""
    return {
        "system": platform.platform(),
        "processors": os.cpu_count() or 0,
        "python": platform.python_version(),
        "sh": str(Path(shutil.which("sh") or "sh").resolve()),
        "git": version("git", "--version"),
    }


def program(name: str) -> str | None:
    """A peer beside this Python or on PATH; None where it is not installed."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([beside, os.environ.get("PATH", "")]))


def version(name: str, *arguments: str) -> str | None:
    """The last word a program says about its version; None where it is not installed."""
    executable = program(name)
    if executable is None:
        return None
    done = subprocess.run([executable, *arguments], check=False, capture_output=True, text=True)
    words = (done.stdout or done.stderr).split()
    return words[-1] if words else "unknown"


def text(table: Table) -> str:
    """The table as aligned text, its budgets and what is missing below."""
    rows = [table.columns, *([_cell(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    lines = [table.title, ""]
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append("  " + "  ".join(cells).rstrip())
    lines.append("")
    for budget in table.budgets:
        verdict = "holds" if budget.holds else "DOES NOT HOLD"
        lines.append(
            f"  {budget.what}: {budget.measured:.3g} (allowed {budget.allowed:g}) {verdict}"
        )
    there = [f"{name} {number}" for name, number in table.versions.items() if number]
    missing = [name for name, number in table.versions.items() if not number]
    lines += [f"  with {', '.join(there)}"] if there else []
    lines += [f"  not installed, skipped: {', '.join(missing)}"] if missing else []
    return "\n".join(lines)


def document(tables: dict[str, Table]) -> dict[str, object]:
    """Everything found, for `--json`."""
    benches = {}
    for name, table in tables.items():
        benches[name] = asdict(table)
        for result, budget in zip(benches[name]["budgets"], table.budgets, strict=True):
            result["holds"] = budget.holds
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"date": date, "machine": machine(), "benches": benches}


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"
