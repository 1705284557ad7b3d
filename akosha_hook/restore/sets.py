"""Sets of files: their tar is read through, and its files are put back one by one.

A file is replaced only by another one of its name that is newer, or by force, and what is replaced
is kept. Each file is the old or the new one, however a restore ends; the next one finds what is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from akosha_hook.errors import DamagedError
from akosha_hook.format import tar
from akosha_hook.snapshot.sets import includes
from akosha_hook.util import files
from akosha_hook.util.beneath import Beneath
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.format.tar import Entry, Member
    from akosha_hook.snapshot.sets import FileSet

# A temporary file as `util.temporary` knows them: no set takes it for one of its own. It has the
# same name in every folder, so that the next restore removes what a killed one left.
TEMPORARY = ".akosha-restore.0.00000000.tmp"
# Files that are not put back are named up to this many.
NAMED = 5
Verdict: TypeAlias = Literal["new", "older", "newer", "same", "blocked"]


@dataclass(slots=True)
class SetResult:
    """What became, or with a dry run would become, of the files of a set.

    `newer` are those that stayed as they are here since they are newer, `blocked` those in whose
    place, or on the way to it, lies something else than a file or a folder.
    """

    name: str
    into: Path
    put_back: int = 0
    same: int = 0
    newer: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    def count(self, entry: Entry, verdict: Verdict, *, force: bool) -> bool:
        """Add a file of which that was found; whether it is to be put back."""
        if verdict == "same":
            self.same += 1
        elif verdict == "blocked":
            self.blocked.append(entry.name)
        elif verdict == "newer" and not force:
            self.newer.append(entry.name)
        else:
            self.put_back += 1
            return True
        return False

    @property
    def notes(self) -> tuple[str, ...]:
        lines = [
            f"{self.name}: {one_line(each)} was not put back: something else than a file is in its "
            f"place below {self.into}"
            for each in self.blocked[:NAMED]
        ]
        if more := len(self.blocked) - len(lines):
            lines.append(f"{self.name}: the same is so of {more:,} more")
        return tuple(lines)


def problem_of(archive: Path, name: str) -> str:
    """What keeps the tar of the set of that name from being put back; "" where nothing does."""
    try:
        with archive.open("rb") as file:
            for member in tar.read(file, os.fstat(file.fileno()).st_size):
                if not includes(name, member.entry.parts):
                    return f"{one_line(member.entry.name)} in it is no file of {name}"
    except DamagedError as error:
        return error.message.rstrip(".")
    return ""


def compare(archive: Path, files_: FileSet, *, force: bool) -> SetResult:
    """What `put_back` would do."""
    result = SetResult(files_.name, files_.root)
    with archive.open("rb") as file:
        try:
            beneath = Beneath(files_.root)
        except FileNotFoundError:
            for member in _members(file):
                result.count(member.entry, "new", force=force)
            return result
        with beneath:
            for member in _members(file):
                result.count(member.entry, _verdict(beneath, file, member), force=force)
    return result


def put_back(archive: Path, files_: FileSet, kept: Path, *, force: bool) -> SetResult:
    """Put the files of the tar below the root of the set, which is made where it is missing.

    What is replaced is kept in the directory `kept`, which is made for it. Raises OSError, after
    which the files that were put back are, and the others are as they were.
    """
    result = SetResult(files_.name, files_.root)
    files_.root.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
    with archive.open("rb") as file, Beneath(files_.root) as beneath:
        folders = itertools.groupby(_members(file), key=lambda each: each.entry.parts[:-1])
        for folder, members in folders:
            is_touched = False
            for member in members:
                verdict = _verdict(beneath, file, member)
                if result.count(member.entry, verdict, force=force):
                    is_touched = True
                    if verdict in {"older", "newer"}:
                        _keep(beneath, member.entry, kept / files_.name)
                    _write(beneath, file, member)
            if is_touched:
                os.fsync(beneath.directory(folder))
    return result


def _members(file: BinaryIO) -> Iterator[Member]:
    return tar.read(file, os.fstat(file.fileno()).st_size)


def _verdict(beneath: Beneath, file: BinaryIO, member: Member) -> Verdict:
    """How what is in the member's place compares to it."""
    entry = member.entry
    try:
        folder = beneath.directory(entry.parts[:-1])
        status = os.stat(entry.parts[-1], dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return "new"
    except OSError:
        return "blocked"
    if not stat.S_ISREG(status.st_mode):
        return "blocked"
    if status.st_size == entry.size and _is_same(beneath, file, member):
        return "same"
    return "newer" if status.st_mtime_ns > entry.mtime_ns else "older"


def _is_same(beneath: Beneath, file: BinaryIO, member: Member) -> bool:
    try:
        with os.fdopen(beneath.open(member.entry.parts), "rb") as here:
            digest = hashlib.file_digest(here, "sha256").digest()
    except OSError:
        return False
    wanted = hashlib.sha256()
    for piece in member.data(file):
        wanted.update(piece)
    return wanted.digest() == digest


def _keep(beneath: Beneath, entry: Entry, kept: Path) -> None:
    """A copy of the file that is to be replaced: whoever writes to it still may have it open."""
    with os.fdopen(beneath.open(entry.parts), "rb") as here:
        status = os.fstat(here.fileno())
        files.private_directory(kept)
        with Beneath(kept) as aside:
            folder = aside.directory(entry.parts[:-1], create=True)
            with _created(folder, entry.parts[-1]) as copy:
                while piece := here.read(tar.PIECE_BYTES):
                    copy.write(piece)
                _finish(copy, status.st_mtime_ns)


def _write(beneath: Beneath, file: BinaryIO, member: Member) -> None:
    entry = member.entry
    folder = beneath.directory(entry.parts[:-1], create=True)
    name = entry.parts[-1]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(TEMPORARY, dir_fd=folder)
    try:
        with _created(folder, TEMPORARY) as copy:
            for piece in member.data(file):
                copy.write(piece)
            os.fchmod(copy.fileno(), _mode(entry, name, folder))
            _finish(copy, entry.mtime_ns)
        os.rename(TEMPORARY, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(TEMPORARY, dir_fd=folder)
        raise


def _created(folder: int, name: str) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(name, flags, files.FILE_MODE, dir_fd=folder), "wb")


def _finish(file: BinaryIO, mtime_ns: int) -> None:
    file.flush()
    os.utime(file.fileno(), ns=(mtime_ns, mtime_ns))
    os.fsync(file.fileno())


def _mode(entry: Entry, name: str, folder: int) -> int:
    """That of the file that is replaced; else what the owner could do, and nobody else anything."""
    try:
        return stat.S_IMODE(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode) & 0o777
    except FileNotFoundError:
        return entry.mode & 0o700 | files.FILE_MODE
