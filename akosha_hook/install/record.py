"""What `install` changed, kept in `install.json`, so that `uninstall` is its exact inverse."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook import files
from akosha_hook.install.plan import Change, Content, missing_directories, read
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from akosha_hook.paths import Paths

    # (what a file holds now, what it held before us) -> what stays; None where something of ours
    # was taken out of a file that we made, and nothing of anybody else's is left.
    Remove = Callable[[bytes, bytes | None], bytes | None]


class Digest(msgspec.Struct, frozen=True):
    """Enough of a Content to tell whether a file still is what we wrote."""

    sha256: str
    mode: int
    link: bool = False

    @classmethod
    def of(cls, content: Content) -> Digest:
        return cls(hashlib.sha256(content.data).hexdigest(), content.mode, content.link)


class Entry(msgspec.Struct, frozen=True):
    """One file that install changed; `before` is what uninstall gives back.

    `directories` are those that had to be made for it, deepest first. `repository` is the common
    git directory, or the project, it belongs to; None for the user's own files.
    """

    path: str
    part: str
    place: str
    before: Content | None
    after: Digest
    directories: tuple[str, ...] = ()
    repository: str | None = None


class Record(msgspec.Struct, frozen=True):
    """The document in `install.json`."""

    schema: int = 1
    version: str = __version__
    entries: tuple[Entry, ...] = ()


def load(paths: Paths) -> Record:
    """The record; an empty one where there is none, or none that can be read."""
    return files.read_json(paths.install, Record) or Record()


def save(paths: Paths, record: Record) -> None:
    """Write the record, or remove it when nothing is installed any more."""
    if record.entries:
        files.private_directory(paths.state)
        files.write_json(paths.install, record)
    else:
        paths.install.unlink(missing_ok=True)


def with_changes(
    record: Record, changes: Iterable[Change], remove_of: Callable[[str, Path], Remove]
) -> Record:
    """`record` after `changes`: what was there before the first of ours stays what is given back."""
    entries = {(entry.path, entry.part): entry for entry in record.entries}
    for change in changes:
        if change.part and change.after is not None:
            key = (str(change.path), change.part)
            remove = remove_of(change.part, change.path)
            entries[key] = _entry(change, change.after, entries.get(key), remove)
    return Record(entries=tuple(entries.values()))


def _entry(change: Change, after: Content, old: Entry | None, remove: Remove) -> Entry:
    directories = tuple(map(str, missing_directories(change.path)))
    if old is not None:
        directories = (*directories, *(each for each in old.directories if each not in directories))
    return Entry(
        path=str(change.path),
        part=change.part,
        place=change.place,
        before=_given_back(change.before, old, remove),
        after=Digest.of(after),
        directories=directories,
        repository=str(change.repository) if change.repository else None,
    )


def _given_back(current: Content | None, old: Entry | None, remove: Remove) -> Content | None:
    """What the file would hold without us."""
    if current is None:
        return None
    if old is not None and Digest.of(current) == old.after:
        return old.before
    original = old.before.data if old is not None and old.before is not None else None
    remaining = remove(current.data, original)
    return None if remaining is None else Content(remaining, current.mode, current.link)


def undo(entry: Entry, remove: Remove) -> Change:
    """The change that takes us out of a file again: the same bytes as before, or all but our part."""
    path = Path(entry.path)
    current = read(path, follow=not (entry.before and entry.before.link))
    if current is None:
        return Change(path, None, None)
    now = Digest.of(current)
    if (now.sha256, now.link) == (entry.after.sha256, entry.after.link):
        return Change(path, current, _with_mode(entry.before, entry.after.mode, now.mode))
    original = entry.before.data if entry.before is not None else None
    remaining = remove(current.data, original)
    after = None if remaining is None else Content(remaining, current.mode, current.link)
    return Change(path, current, after)


def _with_mode(before: Content | None, ours: int, now: int) -> Content | None:
    """`before`, but with the mode that someone gave the file since."""
    if before is None or ours == now:
        return before
    return msgspec.structs.replace(before, mode=now)
