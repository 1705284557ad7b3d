"""The parent's side: start the reading child, listen, and end it in time."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.duckdb_reader.errors import ReadError, Trouble
from akosha_hook.duckdb_reader.messages import Count, End, Failure, Key, Keys, Message, Row, Table
from akosha_hook.errors import AkoshaHookError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

logger = logging.getLogger(__name__)

# All the child gets of our environment: no credentials, nothing that could be one.
INHERITED = (
    *("PATH", "TMPDIR", "LANG", "LC_ALL", "TZ"),
    # Where some Pythons find their own shared libraries.
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
)


class NotCheckedError(AkoshaHookError):
    """A copy nobody could check here; that says nothing about the copy."""


class _Child:
    """The running child; `messages` ends with `End`, or raises ReadError."""

    def __init__(
        self, process: subprocess.Popen[bytes], timeout_seconds: float, errors: Path
    ) -> None:
        self._process = process
        self._errors = errors
        self._late = threading.Event()
        self._seconds = timeout_seconds
        self._timer = threading.Timer(timeout_seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self._late.set()
        self._process.kill()

    def messages(self) -> Iterator[Message]:
        decoder = msgspec.json.Decoder(Message)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break
            message = self._decoded(decoder, line)
            if isinstance(message, Failure):
                raise _read_error(message)
            if isinstance(message, End):
                return
            yield message
        if self._late.is_set():
            raise ReadError(Trouble.TIME, f"Reading took longer than {self._seconds:g} s.")
        raise ReadError(Trouble.READER, f"The reader ended early: {self._last_words()}")

    def _decoded(self, decoder: msgspec.json.Decoder[Message], line: bytes) -> Message:
        try:
            return decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ReadError(
                Trouble.READER, f"The reader said what it never should: {error}"
            ) from error

    def reply(self, rowids: Sequence[int]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what ended it is told by its last message
            self._process.stdin.write(msgspec.json.encode(list(rowids)) + b"\n")
            self._process.stdin.flush()

    def end(self) -> None:
        self._timer.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _last_words(self) -> str:
        status = f"exit status {self._process.wait()}"
        with contextlib.suppress(OSError):
            lines = self._errors.read_text(errors="replace").strip().splitlines()
            return lines[-1][:500] if lines else status
        return status


def _read_error(failure: Failure) -> ReadError:
    try:
        trouble = Trouble(failure.trouble)
    except ValueError:
        trouble = Trouble.READER
    hint = "pip install -U duckdb" if trouble is Trouble.TOO_NEW else ""
    return ReadError(trouble, failure.message, hint=hint)


@contextlib.contextmanager
def _child(mode: str, database_path: Path, timeout_seconds: float) -> Iterator[_Child]:
    """Run the child on `database_path`; what it spills goes beside the copy and is removed.

    Raises ReadError where it cannot be started: no room, or an interpreter that is gone.
    """
    database_path = database_path.absolute()
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".reading-", dir=database_path.parent))
    except OSError as error:
        raise _not_started(error) from error
    try:
        child = _start(mode, database_path, scratch, timeout_seconds)
        try:
            yield child
        finally:
            child.end()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _start(mode: str, database_path: Path, scratch: Path, timeout_seconds: float) -> _Child:
    errors = scratch / "errors"
    try:
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                [
                    sys.executable,
                    *("-P", "-m", "akosha_hook.duckdb_reader"),
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
    return _Child(process, timeout_seconds, errors)


def _not_started(error: OSError) -> ReadError:
    return ReadError(Trouble.READER, f"The reader could not be started: {error}")


def read(
    database_path: Path,
    choose: Callable[[Table, list[Key]], Sequence[int]],
    *,
    timeout_seconds: float,
) -> Generator[Table | Row]:
    """Every table with memories or a knowledge graph, then the chosen rows.

    `choose` gets a table's keys, some at a time, and returns the rowids to send; those rows follow
    before it is asked again. Close the generator: the child runs until then. Raises ReadError.
    """
    with _child("rows", database_path, timeout_seconds) as child:
        tables: list[Table] = []
        for message in child.messages():
            if isinstance(message, Table):
                tables.append(message)
                yield message
            elif isinstance(message, Keys):
                child.reply(choose(tables[message.table], message.keys))
            elif isinstance(message, Row):
                yield message


def conversation_count(database_path: Path, *, timeout_seconds: float) -> int | None:
    """Conversations in a snapshot copy, each counted once; 0 where there is no such table.

    None where it could not be found out: a reader too old for the file, damage, no time.
    """
    try:
        with _child("count", database_path, timeout_seconds) as child:
            counts = [each.rows for each in child.messages() if isinstance(each, Count)]
    except ReadError as error:
        logger.info("Conversations in %s were not counted: %s", database_path.name, error)
        return None
    return sum(counts)


def check(database_path: Path, *, timeout_seconds: float) -> str | None:
    """Read every value of every table of a copy; what is wrong with it, or None.

    A full scan finds damage in data it reads, not in free or index blocks: compare hashes too.
    Raises NotCheckedError where there is no verdict: a reader too old for the file, no time.
    """
    try:
        with _child("check", database_path, timeout_seconds) as child:
            for _ in child.messages():
                pass
    except ReadError as error:
        if error.trouble is Trouble.DAMAGED:
            return error.message
        raise NotCheckedError(
            f"{database_path.name} could not be checked: {error.message}", hint=error.hint
        ) from error
    return None
