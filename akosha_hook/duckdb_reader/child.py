"""The reading child as its parent sees it: started, listened to, and ended in time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.duckdb_reader.errors import ReadError, read_error
from akosha_hook.duckdb_reader.messages import End, Failure, Message
from akosha_hook.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MODULE = "akosha_hook.duckdb_reader"
# All that the child gets of our environment: nothing in it can be a credential.
INHERITED = (
    *("PATH", "TMPDIR", "LANG", "LC_ALL", "TZ"),
    # Where some Pythons find their own shared libraries.
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
)


class Child:
    """A running child. It is killed after `timeout_seconds`."""

    def __init__(
        self, process: subprocess.Popen[bytes], timeout_seconds: float, stderr: Path
    ) -> None:
        self._process = process
        self._stderr = stderr
        self._timed_out = threading.Event()
        self._seconds = timeout_seconds
        self._timer = threading.Timer(timeout_seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self._timed_out.set()
        self._process.kill()

    def messages(self) -> Iterator[Message]:
        """Every message before `End`. Raises ReadError where the child fails or is cut short."""
        decoder = msgspec.json.Decoder(Message)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break
            message = _decode(decoder, line)
            if isinstance(message, Failure):
                raise read_error(message)
            if isinstance(message, End):
                return
            yield message
        if self._timed_out.is_set():
            raise ReadError(f"Reading took longer than {self._seconds:g} s.", kind=Kind.TIMED_OUT)
        raise ReadError(f"The reader exited early: {self._reason()}")

    def reply(self, rowids: Sequence[int]) -> None:
        """Answer `Keys` with the rows to send."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the next message says why it ended
            self._process.stdin.write(msgspec.json.encode(list(rowids)) + b"\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """Kill the child, from any thread; whoever reads its messages sees it end."""
        self._process.kill()

    def end(self) -> None:
        """Kill the child and wait for it."""
        self._timer.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _reason(self) -> str:
        """The last line of stderr, else the exit status."""
        status = f"exit status {self._process.wait()}"
        with contextlib.suppress(OSError):
            lines = self._stderr.read_text(errors="replace").strip().splitlines()
            return lines[-1][:500] if lines else status
        return status


@contextlib.contextmanager
def run(
    mode: str, database_path: Path, timeout_seconds: float, *, module: str = MODULE
) -> Iterator[Child]:
    """Run the child, `module`, on `database_path`; it ends with the block.

    Its temporary files go to a directory beside the copy, which is removed. Raises ReadError
    where the child cannot be started: the disk is full, or the interpreter is gone.
    """
    database_path = database_path.absolute()
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".reading-", dir=database_path.parent))
    except OSError as error:
        raise _not_started(error) from error
    try:
        child = _start(module, mode, database_path, scratch, timeout_seconds)
        try:
            yield child
        finally:
            child.end()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _start(
    module: str, mode: str, database_path: Path, scratch: Path, timeout_seconds: float
) -> Child:
    stderr_path = scratch / "errors"
    try:
        with stderr_path.open("wb") as stderr:
            process = subprocess.Popen(
                [
                    sys.executable,
                    *("-P", "-m", module),
                    *(mode, str(database_path), str(scratch)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=scratch,
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
            )
    except OSError as error:
        raise _not_started(error) from error
    try:
        return Child(process, timeout_seconds, stderr_path)
    except RuntimeError as error:  # no thread can be started for its time limit
        process.kill()
        process.communicate()
        raise _not_started(error) from error


def _not_started(error: Exception) -> ReadError:
    return ReadError(f"The reader could not be started: {error}")


def _decode(decoder: msgspec.json.Decoder[Message], line: bytes) -> Message:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReadError(f"The reader sent an invalid message: {error}") from error
