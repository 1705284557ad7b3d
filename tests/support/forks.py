"""Commands and workers as real processes that cost a fork each: everything is imported once.

A process of its own, `python -m tests.support.fork_server`, waits for what is to be run and forks.
Each child has its own environment, clock, machine id and limit of file sizes, and dies like any
process when it is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WAIT_SECONDS = 120.0


@dataclass
class Child:
    """A process that was started; `output` has what it printed, both streams together."""

    pid: int
    output: Path
    answers: socket.socket
    code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        if self.code is None:
            self.answers.settimeout(0.0)
            with contextlib.suppress(BlockingIOError):
                self._end(self.answers.recv(64))
        return self.code

    def wait(self) -> int:
        if self.code is None:
            self.answers.settimeout(WAIT_SECONDS)
            self._end(self.answers.recv(64))
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def text(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def document(self) -> dict[str, Any]:
        """What it printed as JSON; whatever else it said stands before or behind."""
        text = self.text()
        start, end = text.find("{"), text.rfind("}")
        assert start >= 0, f"no JSON in {text!r}"
        document = json.loads(text[start : end + 1])
        assert isinstance(document, dict)
        return document

    def _end(self, answer: bytes) -> None:
        assert answer, "the fork server ended"
        self.code = int(answer)
        self.answers.close()


def _line(answers: socket.socket) -> bytes:
    """The next line; what follows it is left where it is."""
    line = b""
    while not line.endswith(b"\n"):
        received = answers.recv(1)
        assert received, "the fork server ended"
        line += received
    return line


@dataclass
class Forks:
    """Where the fork server listens, and where its children's output goes."""

    directory: Path
    started: int = 0
    children: list[Child] = field(default_factory=list)

    def start(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        shift: float = 0.0,
        machine: str = "",
        disk: int | None = None,
    ) -> Child:
        """Run `command`: arguments of `akosha-hook`, or the one word `worker` or `event`.

        The clock is ahead by `shift` seconds. `machine` is what /etc/machine-id says, and no file
        can grow above `disk` bytes.
        """
        self.started += 1
        output = self.directory / f"{self.started}.txt"
        request = {
            "command": [*command],
            "environ": dict(environ),
            "shift": shift,
            "machine": machine,
            "disk": disk,
            "output": str(output),
        }
        answers = socket.socket(socket.AF_UNIX)
        answers.settimeout(WAIT_SECONDS)
        answers.connect(str(self.directory / "socket"))
        answers.sendall(json.dumps(request).encode() + b"\n")
        child = Child(int(_line(answers)), output, answers)
        self.children = [each for each in self.children if each.code is None] + [child]
        return child

    def run(self, command: Sequence[str], environ: Mapping[str, str], **how: Any) -> Child:
        child = self.start(command, environ, **how)
        child.wait()
        return child


@contextlib.contextmanager
def fork_server() -> Iterator[Forks]:
    """A fork server until the end of the block, and whatever it started."""
    with tempfile.TemporaryDirectory(prefix="akosha-forks-") as name:
        directory = Path(name)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", str(directory / "socket")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            # None of the tests' own coverage: the children end without it.
            env={key: value for key, value in os.environ.items() if "COVERAGE" not in key},
        )
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        forks = Forks(directory)
        try:
            yield forks
        finally:
            for each in forks.children:
                each.kill()
            process.stdin.close()
            process.wait()
            process.stdout.close()
