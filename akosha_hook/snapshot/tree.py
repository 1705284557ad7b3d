"""Which files a set has now, by stat alone; no link is followed, and nothing is opened but folders."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from akosha_hook.format.tar import MAX_MEMBERS, Entry, is_member_name, size_of
from akosha_hook.snapshot.model import Fingerprint
from akosha_hook.util.beneath import Beneath
from akosha_hook.util.temporary import is_temporary
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from akosha_hook.snapshot.sets import FileSet

MAX_DEPTH = 64
# Files that are left out are named up to this many.
NAMED = 5
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Member(NamedTuple):
    """A file of a set, as its stat describes it; the name is its path below the set's root."""

    name: str
    fingerprint: Fingerprint
    mode: int

    @classmethod
    def of(cls, name: str, status: os.stat_result) -> Member:
        return cls(name, Fingerprint.of(status), stat.S_IMODE(status.st_mode))

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("/"))

    @property
    def entry(self) -> Entry:
        return Entry(self.name, self.fingerprint.size, self.fingerprint.mtime_ns, self.mode)


class LeftOut(NamedTuple):
    """A file that the set goes without; `why` completes "is not backed up: ".

    `failed` says that it should be one of the set's, and could not be looked at or read.
    """

    name: str
    why: str
    failed: bool = False


@dataclass(slots=True)
class Listing:
    """The files of a set in the order of the tar, and what cannot be one of them."""

    members: list[Member] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def has_something(self) -> bool:
        """Whether there are files to back up, as far as could be seen."""
        return bool(self.members) or any(each.failed for each in self.left_out)


def listing(files: FileSet) -> Listing:
    """What the set has; never raises."""
    found = Listing()
    try:
        with Beneath(files.root) as beneath:
            _list(files, beneath, (), found)
    except OSError as error:
        if error.errno not in _GONE:
            found.left_out.append(LeftOut(str(files.root), reason_of(error), failed=True))
    if len(found.members) > MAX_MEMBERS:
        more = len(found.members) - MAX_MEMBERS
        del found.members[MAX_MEMBERS:]
        why = f"the set has more than {MAX_MEMBERS:,} files"
        found.left_out.append(LeftOut(f"The last {more:,}", why))
    return found


def fingerprint(members: Collection[Member]) -> Fingerprint:
    """One fingerprint for all of them: another one as soon as one of theirs is another.

    Its size is that of the tar, its inode a hash.
    """
    digest = hashlib.sha256()
    mtime_ns = ctime_ns = 0
    for each in members:
        own = each.fingerprint
        digest.update(
            f"{each.name}\0{own.size} {own.mtime_ns} {own.ctime_ns} {own.inode} {each.mode}\n".encode()
        )
        mtime_ns, ctime_ns = max(mtime_ns, own.mtime_ns), max(ctime_ns, own.ctime_ns)
    size = size_of(each.entry for each in members)
    # As large as any reader of JSON takes.
    return Fingerprint(size, mtime_ns, ctime_ns, int.from_bytes(digest.digest()[:8], "big") >> 1)


def notes(files: FileSet, left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """A line for each of the first of them, and one for the others."""
    return tuple(f"{files.name}: {line}" for line in lines(left_out))


def lines(left_out: Sequence[LeftOut]) -> list[str]:
    """The same, without the name of the set."""
    named = [f"{one_line(each.name)} is not backed up: {each.why}" for each in left_out[:NAMED]]
    if more := len(left_out) - len(named):
        named.append(f"{more:,} more {'is' if more == 1 else 'are'} not backed up")
    return named


def reason_of(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _list(files: FileSet, beneath: Beneath, parts: tuple[str, ...], found: Listing) -> None:
    descriptor = beneath.directory(parts)
    statuses = []
    for name in sorted(os.listdir(descriptor)):  # noqa: PTH208 - there is no path to a descriptor
        where = (*parts, name)
        if not is_temporary(name) and (files.includes(where) or files.may_be_in(where)):
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _GONE:
                    found.left_out.append(LeftOut("/".join(where), reason_of(error), failed=True))
                continue
            statuses.append((where, status))
    for where, status in statuses:
        if stat.S_ISDIR(status.st_mode):
            _enter(files, beneath, where, found)
        elif stat.S_ISLNK(status.st_mode) or files.includes(where):
            _add(where, status, found)


def _enter(files: FileSet, beneath: Beneath, parts: tuple[str, ...], found: Listing) -> None:
    if not files.may_be_in(parts):
        return
    if len(parts) > MAX_DEPTH:
        found.left_out.append(LeftOut("/".join(parts), "it lies too deep"))
        return
    try:
        _list(files, beneath, parts, found)
    except OSError as error:
        if error.errno not in _GONE:
            found.left_out.append(LeftOut("/".join(parts), reason_of(error), failed=True))


def _add(parts: tuple[str, ...], status: os.stat_result, found: Listing) -> None:
    name = "/".join(parts)
    if stat.S_ISLNK(status.st_mode):
        found.left_out.append(LeftOut(name, "it is a symbolic link"))
    elif not stat.S_ISREG(status.st_mode):
        found.left_out.append(LeftOut(name, "it is a pipe, a socket or a device"))
    elif not is_member_name(name):
        found.left_out.append(LeftOut(name, "its name cannot be stored"))
    else:
        found.members.append(Member.of(name, status))
