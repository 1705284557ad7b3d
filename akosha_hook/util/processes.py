"""Other processes: whether one is still the same, and whether it runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PS_SECONDS = 5.0
# proc_pid_stat(5), counted from behind the command's name.
_STATE, _START = 0, 19


@dataclass(frozen=True, slots=True)
class Process:
    """`start` tells two processes with the same id apart, "" where the system does not say.

    `stopped` is one that SIGSTOP, Ctrl-Z or a debugger holds.
    """

    start: str
    stopped: bool


def find(pid: int, start: str = "") -> Process | None:
    """The process `pid`, if it is there and is the one that had that `start`.

    Without a `start`, or where the system has no /proc, any process of ours with that id will do.
    """
    if pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        # Another user's: ours is gone, where we know when it was started.
        return None if start else Process("", stopped=False)
    process = _from_proc(pid) if Path("/proc/self/stat").exists() else _from_ps(pid)
    if process is None or (start and process.start and process.start != start):
        return None
    return process


def own_start() -> str:
    """What `find` has to be given to recognise this process; "" where the system does not say."""
    process = _from_proc(os.getpid())
    return process.start if process else ""


def _from_proc(pid: int) -> Process | None:
    """None where it has ended, even if nobody has asked for its exit status yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # The command's name is in parentheses, and may itself contain some.
        fields = text.rpartition(")")[2].split()
        state, start = fields[_STATE], fields[_START]
    except (OSError, IndexError):
        return None
    return None if state in "ZX" else Process(start, stopped=state in "Tt")


def _from_ps(pid: int) -> Process | None:
    """macOS and others; the start is not asked for, but the command has to be one of ours."""
    output = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            ["ps", "-o", "state=,command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PS_SECONDS,
            check=False,
        )
        output = done.stdout.strip()
    if not output:
        return Process("", stopped=False)  # it is there, and ps does not say more
    state, _, command = output.partition(" ")
    is_ours = "akosha" in command
    return None if state[:1] == "Z" or not is_ours else Process("", stopped=state[:1] == "T")
