"""Running the hook script, and a program to stand where the worker's Python would be."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.paths import Paths, shipped
from akosha_hook.state import pin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PROGRAM = """\
#!{python} -I
import json, os, signal, sys

if {argument!r} not in sys.argv:
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
    "ignores_hangup": signal.getsignal(signal.SIGHUP) == signal.SIG_IGN,
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
    ignores_hangup: bool
    descriptors: list[str]


@dataclass(frozen=True)
class Witness:
    """A program that tells the test how it was started, through a pipe the test reads."""

    program: Path
    fifo: Path

    def wait(self) -> Started:
        """Block until it was started as the worker."""
        return msgspec.json.decode(self.fifo.read_bytes(), type=Started)


def witness(
    folder: Path, *, argument: str = "akosha_hook.worker", has_package: bool = True
) -> Witness:
    """A witness for being started with `argument`; started otherwise it only ends."""
    folder.mkdir(parents=True, exist_ok=True)
    fifo, program = folder / "told", folder / "python"
    os.mkfifo(fifo)
    program.write_text(
        _PROGRAM.format(
            python=sys.executable,
            argument=argument,
            fifo=str(fifo),
            check=0 if has_package else 1,
        )
    )
    program.chmod(0o755)
    return Witness(program, fifo)


def record_interpreter(paths: Paths, program: Path | str) -> None:
    """What `install` leaves for the hooks; a pin tells that the directory is the user's own."""
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths.interpreter.write_text(f"{program}\n")
    if pin.look(paths) is None:
        pin.write(paths, pin.Pin(), by="install")


SCRIPT = shipped("hooks/akosha-hook.sh")
NOTHING = shutil.which("true") or "true"


def install_script(paths: Paths) -> Path:
    """Put the script where `install` does."""
    paths.bin.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy2(SCRIPT, paths.hook_script)
    return paths.hook_script


@dataclass(frozen=True)
class Fired:
    """A hook that returned; `wait` blocks until everything it left running has ended too."""

    code: int
    stdout: bytes
    stderr: bytes
    _alive: int

    def wait(self) -> None:
        try:
            os.read(self._alive, 1)
        finally:
            os.close(self._alive)


def pipe() -> tuple[int, int]:
    """A pipe whose writing end is none of the descriptors that the script closes."""
    reading, low = os.pipe()
    writing = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 20)
    os.close(low)
    return reading, writing


def fire(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdin: bytes | int = b"",
    wait: bool = True,
) -> Fired:
    """Run a hook to its end, and by default what it starts too.

    Its children inherit the writing end of a pipe that nobody writes to: it ends with the last.
    """
    reading, writing = pipe()
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            cwd=cwd,
            env=environ,
            pass_fds=[writing],
            input=stdin if isinstance(stdin, bytes) else None,
            stdin=None if isinstance(stdin, bytes) else stdin,
        )
    finally:
        os.close(writing)
    fired = Fired(done.returncode, done.stdout, done.stderr, reading)
    if wait:
        fired.wait()
    return fired
