"""Whether time and memory per byte grow with the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import peers, upload
from bench.report import Budget, Table

if TYPE_CHECKING:
    from pathlib import Path

SIZES, LARGE_SIZES = (1, 16, 45, 135), (400, 1_100, 2_000)


def run(work: Path, *, rounds: int, large: bool = False) -> Table:
    sizes = (*SIZES, *LARGE_SIZES) if large else SIZES
    measured = [upload.measured(work, size, rounds=rounds, only=(peers.OURS,)) for size in sizes]
    base = next(each for each, size in zip(measured, sizes, strict=True) if size == upload.SMALL)
    last = measured[-1]
    what = f"{last.megabytes:.0f} MB against {base.megabytes:.0f} MB"
    budgets = [
        Budget(f"seconds per byte, {what}", _per_gigabyte(last) / _per_gigabyte(base), 1.0),
        upload.same_peak(base, last),
    ]
    rows: list[tuple[str | float, ...]] = [
        (
            f"{each.megabytes:.0f} MB",
            each.seconds(peers.OURS),
            _per_gigabyte(each),
            each.peak_mb(peers.OURS),
        )
        for each in measured
    ]
    columns = ("database", "s (median)", "s per GB", "peak MB")
    return Table(f"Growth, {rounds} rounds", columns, rows, budgets)


def _per_gigabyte(runs: upload.Runs) -> float:
    return 1000 * runs.seconds(peers.OURS) / runs.megabytes
