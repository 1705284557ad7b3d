"""SQLite in a process of its own: checking a copy, and copying a database that never holds still.

Closing a file drops every POSIX lock that its process has on it, so this process never opens a
database that another thread of it may have open. A child that a damaged file brings down takes
nothing else with it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.snapshot import sqlite_child
from akosha_hook.util import files
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.snapshot.model import Database

CHECK_SECONDS = 300.0
BACKUP_SECONDS = 20.0
# All that the child gets of our environment: nothing in it can be a credential.
INHERITED = (
    *("PATH", "TMPDIR", "LANG", "LC_ALL"),
    # Where some Pythons find their own shared libraries.
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
)
MESSAGE = 200
CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """`outcome` is one of `sqlite_child`'s, and `failed` where it could not be told."""

    outcome: str
    message: str = ""


def check(copy: Database) -> Found:
    """Whether SQLite finds the copy, with its sidecars, whole; nothing of it is changed."""
    with tempfile.TemporaryDirectory(
        prefix=".checking-", dir=copy.file.path.absolute().parent
    ) as scratch:
        paths = [str(each.path.absolute()) for each in copy.files]
        found = _run(["check", scratch, *paths], CHECK_SECONDS)
    if found.outcome not in {"ok", "damaged", "full"}:
        logger.warning("%s could not be checked: %s", copy.name, found.message)
    return found


def backup(database: Path, target: Path) -> Found:
    """Let SQLite copy the live `database` to `target`, for a bounded time."""
    # SQLite would give it another mode.
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.FILE_MODE))
    return _run(
        ["backup", str(database.absolute()), str(target.absolute()), str(BACKUP_SECONDS)],
        BACKUP_SECONDS + 5,
    )


def _run(arguments: list[str], seconds: float) -> Found:
    """What the child says, as its only line."""
    # Isolated, and without the modules of a virtual environment: the standard library is enough.
    command = [sys.executable, "-I", "-S", sqlite_child.__file__, *arguments]
    # While we live this pipe stays open; a child whose parent is gone ends by itself.
    ours, alive = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            stdin=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
        )
    except OSError as error:
        os.close(alive)
        return Found("failed", f"SQLite could not be started: {error.strerror}")
    finally:
        os.close(ours)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return Found("busy", f"it took longer than {seconds:g} s")
    finally:
        os.close(alive)
        process.kill()
        process.communicate()
    return _found(output, process.returncode)


def _found(output: bytes, status: int) -> Found:
    if status == -signal.SIGALRM:
        return Found("busy", "the disk is too slow to copy it without holding up whoever writes")
    if -status in CRASHES:
        return Found("damaged", f"SQLite crashed (signal {-status})")
    try:
        outcome, message = json.loads(output)
        return Found(str(outcome), one_line(str(message), MESSAGE))
    except ValueError:
        return Found("failed", f"SQLite ended early (exit status {status})")
