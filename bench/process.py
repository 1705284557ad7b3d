"""A command as a user runs it: how long it took, and how much memory its processes held together."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAMPLE_SECONDS = 0.01
# Finding new children reads all of /proc, which is too dear for every sample.
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Usage:
    """`peak_bytes`: the largest sum of the resident sets of the process and its descendants.

    `cpu_seconds` of all of them: what a loaded machine changes least.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(command: Sequence[str], environ: Mapping[str, str]) -> Usage:
    """Run to its end. Raises SystemExit with what it said where it fails."""
    with tempfile.TemporaryFile() as output:
        used, start = _cpu_of_children(), time.perf_counter()
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        peak, look_at, members = 0, 0.0, [process.pid]
        ended = os.pidfd_open(process.pid)
        while not select.select([ended], [], [], SAMPLE_SECONDS)[0]:
            if time.perf_counter() >= look_at:
                members = tree(process.pid)
                look_at = time.perf_counter() + LOOK_SECONDS
            peak = max(peak, sum(map(_resident, members)))
        seconds = time.perf_counter() - start
        os.close(ended)
        if process.wait():
            output.seek(0)
            shown = output.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{command[0]} failed with {process.returncode}: {shown}")
    return Usage(seconds, _cpu_of_children() - used, peak)


def tree(root: int) -> list[int]:
    """The process and all its descendants there are now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)):
            children.setdefault(parent, []).append(int(entry.name))
    pids = [root]
    for pid in pids:
        pids += children.get(pid, [])
    return pids


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _resident(pid: int) -> int:
    """Bytes of memory the process takes up, its share of pages that several processes share."""
    try:
        with Path(f"/proc/{pid}/smaps_rollup").open() as file:
            share = next(line for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0
    return int(share.split()[1]) * 1024
