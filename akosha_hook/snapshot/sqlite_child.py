"""The child that runs SQLite, as a script that knows nothing but the standard library.

`check SCRATCH COPY [SIDECAR ...]` looks whether a copy is whole and changes nothing of it.
`backup SOURCE TARGET SECONDS` copies a live database, into a file that is there and empty. It says
on stdout, as JSON, an outcome and a message: `ok`, `damaged`, `busy`, `unreadable`, `full`, `failed`.

The backup takes what any reader takes, a shared lock, and only for as long as a step lasts. A
writer of a database in rollback mode waits meanwhile, and fails once its busy timeout is over (5 s,
unless it was set). So a step that would last longer than `HOLD_SECONDS` ends with the process, and
with the process its locks. In WAL mode readers hold up nobody.

A change by somebody else between two steps makes SQLite begin anew: then the steps become larger,
until one of them takes everything.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

# Pages of usually 4 KiB.
STEP_PAGES, GROWTH, ALL = 256, 8, -1
SHORTEST_PAUSE_SECONDS = 0.01
# How long we wait for a lock, and how long a step may take in all.
BUSY_SECONDS = 1.0
HOLD_SECONDS = 3.0
# A step is only begun if it should not last longer than this.
PLANNED_SECONDS = 1.0
# https://www.sqlite.org/fileformat.html#file_format_version_numbers
WAL_VERSION, VERSION_OFFSET = 2, 18
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
# How `PRAGMA quick_check` reports what is wrong with the structure of a file. The rest of what it
# finds, values that break a constraint, is no reason not to back a database up.
STRUCTURE = "*** in database"

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DAMAGED = ("damaged", "it is malformed")
_LOCKED = ("busy", "it is locked")
_CLOSED = ("unreadable", "it could not be opened")
_OUTCOMES = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
    # It would have to be written to, which is its owner's business.
    sqlite3.SQLITE_READONLY: ("busy", "a change that was cut off has to be undone by its owner"),
    sqlite3.SQLITE_SCHEMA: ("busy", "its tables changed"),
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_IOERR: ("unreadable", "input/output error"),
    sqlite3.SQLITE_FULL: ("full", "no space left on device"),
}


class RestartedError(Exception):
    """Somebody else wrote between two steps."""


def uri(path: Path, parameters: str) -> str:
    return f"file:{quote(str(path))}?{parameters}"


def check(scratch: Path, copy: Path, *sidecars: Path) -> tuple[str, str]:
    """Look at a copy: in place, or where SQLite would write beside it, in `scratch`."""
    with closing(_opened(scratch, copy, sidecars)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        problems = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)")]
    broken = [each for each in problems if each.startswith(STRUCTURE)]
    return ("damaged", broken[0].splitlines()[-1]) if broken else ("ok", "")


def _opened(scratch: Path, copy: Path, sidecars: tuple[Path, ...]) -> sqlite3.Connection:
    # What they are called in the snapshot is how SQLite looks for them.
    if any(_is_hot(each) for each in sidecars):
        # Rolled back, which writes to the database.
        for each in (copy, *sidecars):
            shutil.copyfile(each, scratch / each.name)
        return sqlite3.connect(scratch / copy.name)
    if not any(each.name.endswith("-wal") for each in sidecars):
        return sqlite3.connect(uri(copy, "mode=ro&immutable=1"), uri=True)
    # Read-only, it is replayed in a `-shm` beside it, and not merged.
    for each in (copy, *sidecars):
        _link(each, scratch / each.name)
    return sqlite3.connect(uri(scratch / copy.name, "mode=ro"), uri=True)


def _link(path: Path, link: Path) -> None:
    try:
        os.link(path, link)
    except OSError:  # some filesystems have no links
        shutil.copyfile(path, link)


def _is_hot(sidecar: Path) -> bool:
    if not sidecar.name.endswith("-journal"):
        return False
    with sidecar.open("rb") as file:
        return file.read(len(JOURNAL_MAGIC)) == JOURNAL_MAGIC


def backup(source: Path, target: Path, seconds: float) -> tuple[str, str]:
    """Copy the live database, with steps that grow while others write."""
    with source.open("rb") as file:
        is_wal = file.read(VERSION_OFFSET + 1)[VERSION_OFFSET:] == bytes([WAL_VERSION])
    if is_wal and not source.with_name(source.name + "-shm").exists():
        # Nobody has it open any more; opening it would leave files beside it.
        return "busy", "it was closed meanwhile"
    steps = Steps(time.monotonic() + seconds, hold=not is_wal)
    while True:
        try:
            _attempt(source, target, steps)
        except RestartedError:
            steps.grow()
        except TimeoutError:
            return "busy", "it is written to all the time"
        else:
            return "ok", ""


def _attempt(source: Path, target: Path, steps: Steps) -> None:
    # What was begun before is of another moment.
    os.truncate(target, 0)
    with (
        closing(sqlite3.connect(uri(source, "mode=ro"), uri=True, timeout=BUSY_SECONDS)) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        copy.execute("PRAGMA journal_mode = OFF")
        copy.execute("PRAGMA synchronous = OFF")
        steps.begin()
        live.backup(copy, pages=steps.pages, progress=steps.ended, sleep=0)
        signal.setitimer(signal.ITIMER_REAL, 0)


class Steps:
    """How many pages are copied at a time; watches over each step, and pauses between them.

    With `hold`, others wait while a step lasts.
    """

    def __init__(self, deadline: float, *, hold: bool) -> None:
        self.pages = STEP_PAGES if hold else ALL
        self._deadline = deadline
        self._hold = hold
        self._left = 0
        self._total = 0
        self._began = 0.0
        # Pages a second, in the fastest step: in the others, a lock was waited for.
        self._speed = 0.0

    def begin(self) -> None:
        """A step follows."""
        if self._hold:
            signal.setitimer(signal.ITIMER_REAL, HOLD_SECONDS)
        self._began = time.monotonic()

    def ended(self, status: int, left: int, total: int) -> None:
        """SQLite calls this after each step, when it holds no lock."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        took = time.monotonic() - self._began
        if status != sqlite3.SQLITE_DONE:
            if time.monotonic() + took > self._deadline:
                raise TimeoutError
            if status == sqlite3.SQLITE_OK:
                self._speed = max(self._speed, self.pages / max(took, 1e-6))
                before, self._left, self._total = self._left, left, total
                if before and left >= before:
                    raise RestartedError
            time.sleep(max(took, SHORTEST_PAUSE_SECONDS))
        self.begin()

    def grow(self) -> None:
        """Larger steps for the next attempt, as large as they may become."""
        self._left = 0
        larger = min(self.pages * GROWTH, self._total)
        if larger / self._speed <= PLANNED_SECONDS:
            self.pages = ALL if larger == self._total else larger


def _listen() -> None:
    """End when the parent does: it holds the other end of stdin."""
    while os.read(0, 1):
        pass
    os._exit(1)


def main(arguments: list[str]) -> tuple[str, str]:
    mode, *rest = arguments
    try:
        if mode == "check":
            return check(*map(Path, rest))
        return backup(Path(rest[0]), Path(rest[1]), float(rest[2]))
    except sqlite3.Error as error:
        # Its text may quote the file.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return _OUTCOMES.get(code, ("failed", f"SQLite says {name}"))
    except OSError as error:
        outcome = "full" if error.errno in FULL else "unreadable"
        return outcome, error.strerror or type(error).__name__


if __name__ == "__main__":
    threading.Thread(target=_listen, daemon=True).start()
    answer = main(sys.argv[1:])
    print(json.dumps(answer), flush=True)
    os._exit(0)
