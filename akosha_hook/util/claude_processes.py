"""Running Claude Codes: where each was started, and with which variables."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
MAX_GENERATIONS = 64
MAX_BYTES = 1 << 22

_CLAUDE = "claude"
_CLAUDE_SCRIPT = "/claude-code/"


@dataclass(frozen=True, slots=True)
class Agent:
    """A running Claude Code: its working directory, and the names it had in its environment at first.

    `certain` is whether it started us; else it is one of those that may have.
    """

    pid: int
    directory: Path | None
    names: frozenset[str]
    certain: bool


def running(project: str | None) -> tuple[Agent, ...]:
    """The Claude Code among our ancestors; if there is none, those that may have started us.

    A worker's parents end before it begins. These are then the ones in the directory `project`, if
    that is known, else all of this user. Nothing where the system has no /proc. Of an environment
    only names are kept.
    """
    ancestors = tuple(_agent(pid, certain=True) for pid in _ancestors() if _is_claude(pid))
    if ancestors:
        return ancestors
    others = [_agent(pid, certain=False) for pid in _own() if _is_claude(pid)]
    if not project:
        return tuple(others)
    here = os.path.realpath(project)
    return tuple(each for each in others if str(each.directory) == here)


def _ancestors() -> Iterator[int]:
    pid = os.getppid()
    for _ in range(MAX_GENERATIONS):
        if pid <= 1:
            return
        yield pid
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else 0


def _own() -> Iterator[int]:
    try:
        names = os.listdir(PROC)  # noqa: PTH208 - names are all that is needed
    except OSError:
        return
    for each in names:
        with contextlib.suppress(OSError):
            if each.isdigit() and (PROC / each).stat().st_uid == os.getuid():
                yield int(each)


def _is_claude(pid: int) -> bool:
    if _read(pid, "comm").strip() == _CLAUDE.encode():
        return True
    words = [os.fsdecode(word) for word in _read(pid, "cmdline").split(b"\0")[:2]]
    return Path(words[0]).name == _CLAUDE or any(_CLAUDE_SCRIPT in word for word in words[1:])


def _agent(pid: int, *, certain: bool) -> Agent:
    directory = None
    with contextlib.suppress(OSError):
        directory = (PROC / str(pid) / "cwd").readlink()
    names = {os.fsdecode(each.partition(b"=")[0]) for each in _read(pid, "environ").split(b"\0")}
    return Agent(pid, directory, frozenset(names - {""}), certain)


def _read(pid: int, name: str) -> bytes:
    try:
        with (PROC / str(pid) / name).open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return b""
