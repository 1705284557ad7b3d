"""A program to stand where the worker's Python would be, and what it saw when it was started."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths

_PROGRAM = """\
#!{python} -I
import json, os, sys

if "akosha_hook.worker" not in sys.argv:
    sys.exit({check})

def describe(descriptor):
    try:
        return "null" if os.fstat(descriptor).st_rdev == os.stat(os.devnull).st_rdev else "open"
    except OSError:
        return "closed"

seen = {{
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "leads_session": os.getsid(0) == os.getpid(),
    "descriptors": [describe(each) for each in range(10)],
}}
with open({fifo!r}, "w", encoding="utf-8") as fifo:
    json.dump(seen, fifo)
"""


@dataclass(frozen=True)
class Started:
    """What a started worker found around itself; `descriptors` are null, open or closed."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str
    leads_session: bool
    descriptors: list[str]


@dataclass(frozen=True)
class Witness:
    """A program that tells the test how it was started, through a pipe the test reads."""

    program: Path
    fifo: Path

    def wait(self) -> Started:
        """Block until it was started as the worker."""
        return msgspec.json.decode(self.fifo.read_bytes(), type=Started)


def witness(folder: Path, *, has_package: bool = True) -> Witness:
    folder.mkdir(parents=True, exist_ok=True)
    fifo, program = folder / "told", folder / "python"
    os.mkfifo(fifo)
    check = 0 if has_package else 1
    program.write_text(_PROGRAM.format(python=sys.executable, fifo=str(fifo), check=check))
    program.chmod(0o755)
    return Witness(program, fifo)


def record_interpreter(paths: Paths, program: Path | str) -> None:
    """What `install` leaves for the hooks."""
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.interpreter.write_text(f"{program}\n")
