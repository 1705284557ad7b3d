"""The same uploads over a link that is no faster than a home's way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import peers, upload

if TYPE_CHECKING:
    from pathlib import Path

    from bench.report import Table

MEGABITS_PER_SECOND = 50
# The others wait for the same wire: these differ in what they put on it.
COMPARED = (peers.OURS, peers.RCLONE, peers.RESTIC, peers.GZIP_AWS)


def run(work: Path, *, rounds: int) -> Table:
    runs = upload.measured(
        work,
        upload.SMALL,
        rounds=rounds,
        megabits_per_second=MEGABITS_PER_SECOND,
        only=COMPARED,
    )
    title = f"Upload over {MEGABITS_PER_SECOND} Mbit/s, {rounds} interleaved rounds"
    return upload.table(title, upload.rows_of(runs), upload.against(runs, {peers.RCLONE: 0.5}))
