"""Freezing a set of files as one tar, while others write to the files.

A file that grows is taken up to the size it had when it was opened, one that vanishes is left out,
and one that shrinks while it is read has the pass begin anew. A small file is read until it holds
still. Files are of one moment each, not all of the same.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from akosha_hook.format import tar
from akosha_hook.snapshot import tree
from akosha_hook.snapshot.copy import write_and_hash
from akosha_hook.snapshot.model import Database, Fingerprint, Skipped, SnapshotFile
from akosha_hook.snapshot.sets import included
from akosha_hook.snapshot.tree import LeftOut, Member
from akosha_hook.util.beneath import Beneath

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.settings import Settings
    from akosha_hook.snapshot.sets import FileSet
    from akosha_hook.snapshot.tree import Listing

OnRead: TypeAlias = "Callable[[], object] | None"
PASSES = 8
# One that shrinks this often is left out.
MOST_SHRINKS = 2
SETTLE_SECONDS = 3.0
SMALL_BYTES = 1024 * 1024
SMALL_ATTEMPTS = 3
RETRY_SECONDS = 0.02
PIECE_BYTES = 1024 * 1024
# Small pieces are gathered: each is handed to two threads.
BATCH_BYTES = 256 * 1024


class SpoiledError(Exception):
    """The data of a member does not fit the header that was written for it."""

    def __init__(self, name: str, why: str, *, shrank: bool) -> None:
        super().__init__(why)
        self.name, self.why, self.shrank = name, why, shrank


@dataclass(slots=True)
class _Pass:
    """One reading of a set: what was found, in the order of the tar, and what was left out.

    `given_up` are files that spoiled earlier passes, and why they are left out of this one.
    """

    files: FileSet
    listing: Listing
    given_up: Mapping[str, str]
    seen: list[Member] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    count: int = 0
    position: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        return tree.notes(self.files, [*self.listing.left_out, *self.left_out])

    def pieces(self) -> Iterator[bytes]:
        """The tar. Raises SpoiledError, OSError."""
        with Beneath(self.files.root) as beneath:
            for member in self.listing.members:
                for piece in self._member(beneath, member):
                    self.position += len(piece)
                    yield piece
        self.position += len(tar.END)
        yield tar.END

    def _member(self, beneath: Beneath, member: Member) -> Iterator[bytes]:
        if why := self.given_up.get(member.name):
            self._leave_out(member, why)
            return
        try:
            descriptor = beneath.open(member.parts)
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave_out(member, tree.reason_of(error))
            return
        try:
            yield from self._opened(member, descriptor)
        finally:
            os.close(descriptor)

    def _opened(self, member: Member, descriptor: int) -> Iterator[bytes]:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            self._leave_out(member, "it is no longer a file")
            return
        if status.st_size > SMALL_BYTES:
            now = Member.of(member.name, status)
            data = _up_to(descriptor, now)
        else:
            try:
                now, content = _at_rest(descriptor, member.name)
            except OSError as error:
                self._leave_out(member, tree.reason_of(error))
                return
            data = iter((content,))
        self.seen.append(now)
        self.count += 1
        yield tar.header(now.entry, self.position)
        yield from data
        yield tar.padding(now.entry.size)

    def _leave_out(self, member: Member, why: str) -> None:
        # It stays part of the fingerprint, so that a set is not read again for nothing.
        self.seen.append(member)
        self.left_out.append(LeftOut(member.name, why, failed=True))


@dataclass(frozen=True, slots=True)
class LiveSet:
    """A set of files that is there to be backed up; an `Item`. `listing` is a look at it."""

    files: FileSet
    listing: Listing

    @property
    def name(self) -> str:
        return self.files.item

    def fingerprints(self) -> dict[str, Fingerprint]:
        return {self.name: tree.fingerprint(self.listing.members)}

    def freeze(self, into: Path, on_read: OnRead) -> Database | Skipped:
        return _freeze(self.files, into / self.name, on_read)


def live_sets(settings: Settings, paths: Paths) -> tuple[LiveSet, ...]:
    """The sets that are to be backed up, but for those of which there is nothing here."""
    found = (LiveSet(each, tree.listing(each)) for each in included(settings, paths))
    return tuple(each for each in found if each.listing.has_something)


def _freeze(files: FileSet, target: Path, on_read: OnRead) -> Database | Skipped:
    """Write the set's tar. Raises OSError where that cannot be done."""
    shrinks: Counter[str] = Counter()
    given_up: dict[str, str] = {}
    for _ in range(PASSES):
        one = _Pass(files, _settled(files), given_up)
        started = time.time_ns()
        try:
            copied = write_and_hash(_gathered(one.pieces()), target, on_read=on_read)
        except SpoiledError as error:
            shrinks[error.name] += 1
            if not error.shrank or shrinks[error.name] >= MOST_SHRINKS:
                given_up[error.name] = error.why
            continue
        if not one.count:
            break
        settled = all(each.fingerprint.settled(started) for each in one.seen)
        file = SnapshotFile(
            name=files.item,
            path=target,
            size=one.position,
            sha256=copied.sha256,
            fingerprint=tree.fingerprint(one.seen) if settled else None,
            blocks=copied.blocks,
        )
        return Database(files.item, file, kind="files", members=one.count, notes=one.notes)
    target.unlink(missing_ok=True)
    if one.count:
        why = f"the files of {files.name} kept shrinking while they were read"
        return Skipped(files.item, "busy", why)
    if failed := [each for each in (*one.listing.left_out, *one.left_out) if each.failed]:
        why = f"no file of {files.name} can be read ({failed[0].name}: {failed[0].why})"
        return Skipped(files.item, "unreadable", why)
    return Skipped(files.item, "empty", f"{files.name} has no files any more")


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= BATCH_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _settled(files: FileSet) -> Listing:
    """The set's files, once its small ones are old enough to prove something, or a wait is over."""
    limit = time.monotonic() + SETTLE_SECONDS
    while True:
        listing, now = tree.listing(files), time.time_ns()
        prints = (each.fingerprint for each in listing.members)
        young = [
            each.settles_ns
            for each in prints
            if each.size <= SMALL_BYTES and not each.settled(now) and not each.ahead(now)
        ]
        left = limit - time.monotonic()
        if not young or left <= 0:
            return listing
        time.sleep(min(left, (max(young) - now) / 1e9 + RETRY_SECONDS))


def _at_rest(descriptor: int, name: str) -> tuple[Member, bytes]:
    """A small file's stat and bytes, of one moment where it holds still for that."""
    for attempt in range(SMALL_ATTEMPTS):
        if attempt:
            time.sleep(RETRY_SECONDS)
        before = Fingerprint.of(os.fstat(descriptor))
        content = os.pread(descriptor, SMALL_BYTES + 1, 0)[: before.size]
        status = os.fstat(descriptor)
        if Fingerprint.of(status) == before and len(content) == before.size:
            break
    member = Member.of(name, status)
    size = msgspec.structs.replace(member.fingerprint, size=len(content))
    return member._replace(fingerprint=size), content


def _up_to(descriptor: int, member: Member) -> Iterator[bytes]:
    """The bytes that the file had when it was opened, in pieces."""
    left = member.fingerprint.size
    while left:
        try:
            piece = os.read(descriptor, min(left, PIECE_BYTES))
        except OSError as error:
            raise SpoiledError(member.name, tree.reason_of(error), shrank=False) from error
        if not piece:
            raise SpoiledError(member.name, "it kept shrinking while it was read", shrank=True)
        left -= len(piece)
        yield piece
