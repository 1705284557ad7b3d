"""Putting restored files in place of others: all of a database or nothing, and nothing lost.

A lock is held on all of the database that is replaced, DuckDB's own and SQLite's own, so that nobody
opens it meanwhile; its path never lacks a file, so that nobody makes a new one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.errors import AkoshaHookError, BusyError
from akosha_hook.restore.held import holder
from akosha_hook.restore.sidecars import sidecars
from akosha_hook.restore.staging import KEPT, PREFIX
from akosha_hook.util import files
from akosha_hook.util.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEPT_PREFIX = "before-restore-"
JOURNAL = "placing.json"


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """Written before anything moves. `inodes` are the new files', by name."""

    kept: str
    databases: tuple[str, ...]
    inodes: dict[str, int]


def refuse_held(target: Path, databases: Sequence[str]) -> None:
    """Raises BusyError where a process has one of the databases open."""
    for name in databases:
        # A pipe would be waited for; through a link, the database behind it is looked at.
        pid = holder(target / name) if (target / name).is_file() else None
        if pid is not None:
            raise _held(name, pid)


def _held(name: str, pid: int | None) -> BusyError:
    who = f"process {pid} has" if pid else "another process has"
    return BusyError(
        f"{name} cannot be replaced: {who} it open (Session-Buddy, most likely).",
        hint="Close Claude Code and run this again, or restore elsewhere with --to DIR."
        + (f" ps -p {pid} shows the process." if pid else ""),
    )


def place(
    staged: Path, journal_directory: Path, target: Path, members: Mapping[str, Sequence[str]]
) -> Path | None:
    """Move the staged files of each database (`members`: its files, itself included) to `target`.

    Returns the directory where the files that were there are kept; None where there were none.
    Raises BusyError, or AkoshaHookError for a disk that does not let us; then nothing has changed
    for the database concerned and those after it.
    """
    kept = free_name(target)
    journal = Journal(
        kept=kept.name,
        databases=tuple(members),
        inodes={
            name: (staged / name).stat().st_ino for names in members.values() for name in names
        },
    )
    with contextlib.ExitStack() as locks:
        for database in members:
            locks.enter_context(_locked(target / database))
        kept.mkdir(mode=files.DIRECTORY_MODE)
        files.write_json(journal_directory / JOURNAL, journal)
        try:
            for database, names in members.items():
                _replace(staged, target, kept, database, names)
        except BaseException as error:
            roll_back(target, journal)
            (journal_directory / JOURNAL).unlink()
            if not isinstance(error, OSError):
                raise
            raise AkoshaHookError(
                f"The restored files could not be put into {target}: {error.strerror}.",
                hint="The original files were put back. akosha-hook restore --to DIR writes elsewhere.",
            ) from error
    files.sync_directory(target)
    with contextlib.suppress(OSError):
        kept.rmdir()  # only an empty one goes
    return kept if kept.exists() else None


def _replace(staged: Path, target: Path, kept: Path, database: str, names: Sequence[str]) -> None:
    """Sidecars first, the database last: once it is there, everything that belongs to it is."""
    here = target / database
    existed = os.path.lexists(here)
    if existed:
        status = here.lstat()
        mode = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else files.FILE_MODE
        for name in names:
            (staged / name).chmod(mode)
        _keep(here, kept / database)
    for old in sidecars(target, database):
        old.rename(kept / old.name)
    for name in names:
        if name != database:
            (staged / name).rename(target / name)
    if existed:
        (staged / database).replace(here)
    else:
        _add(staged / database, here)


def _keep(here: Path, kept: Path) -> None:
    if here.is_dir() and not here.is_symlink():
        raise IsADirectoryError(errno.EISDIR, f"{here.name} is a directory")
    try:
        os.link(here, kept, follow_symlinks=False)
    except OSError:  # a filesystem without hard links
        here.rename(kept)


def _add(staged: Path, here: Path) -> None:
    """Put a file where none is; one that appeared meanwhile is somebody's."""
    try:
        os.link(staged, here)
    except FileExistsError:
        raise
    except OSError:
        staged.rename(here)
    else:
        staged.unlink()


def free_name(target: Path) -> Path:
    """A new directory in `target` for what is replaced there; it is not made."""
    first = target / f"{KEPT_PREFIX}{stamp()}"
    candidate, number = first, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = first.with_name(f"{first.name}-{number}")
    return candidate


@contextlib.contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Hold the lock of DuckDB or SQLite on a database that may be there.

    Nothing else in this process may open or close it meanwhile.
    """
    if not database.is_file() or database.is_symlink():  # nothing that anybody holds
        yield
        return
    pid = holder(database)
    if pid is not None:
        raise _held(database.name, pid)
    try:
        descriptor = os.open(database, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        yield
        return
    except OSError:  # not ours to write: its owner's lock, if any, was looked for
        yield
        return
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _held(database.name, None) from error
        yield
    finally:
        os.close(descriptor)


def roll_back(target: Path, journal: Journal) -> None:
    """Undo what was begun for the databases that were not replaced yet."""
    kept = target / journal.kept
    for database in journal.databases:
        here, old = target / database, kept / database
        same = here.exists() and old.exists() and here.samefile(old)
        if os.path.lexists(here) and not same:
            continue  # replaced, or not begun
        for path in sidecars(target, database):
            if path.lstat().st_ino == journal.inodes.get(path.name):
                path.unlink()
        for path in sidecars(kept, database):
            if not os.path.lexists(target / path.name):
                path.rename(target / path.name)
        if same:
            old.unlink()
        elif os.path.lexists(old):
            old.rename(here)
    with contextlib.suppress(OSError):
        kept.rmdir()


def clean(directory: Path) -> bool:
    """Remove what a killed restore left in `directory`, after undoing what it had begun to move.

    A download that can be continued stays. True where there was something to undo.
    """
    undone = False
    for leftover in directory.glob(f"{PREFIX}*"):
        private = _private(leftover)
        # Somebody else's journal would have us move files.
        journal = files.read_json(leftover / JOURNAL, Journal) if private else None
        if journal is None and private and leftover.name == KEPT:
            continue
        if journal is not None and _ours(journal):
            refuse_held(directory, journal.databases)
            undone = (directory / journal.kept).is_dir() or undone
            roll_back(directory, journal)
        files.remove_tree(leftover)
    return undone


def _private(directory: Path) -> bool:
    """Whether it is a directory as we make them: nobody else could have put anything there."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & 0o077


def _ours(journal: Journal) -> bool:
    """Whether it moves files within the directory it is for."""
    bare = all(Path(name).name == name for name in (journal.kept, *journal.databases))
    return bare and journal.kept.startswith(KEPT_PREFIX)
