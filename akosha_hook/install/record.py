"""What `install` changed, kept in `install.json`, so that `uninstall` is its exact inverse."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.install.plan import Change, Content, missing_directories, read
from akosha_hook.util import files
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from akosha_hook.paths import Paths


@dataclass(frozen=True, slots=True)
class Part:
    """How to remove something of ours from a file.

    `remove` gets what the file holds now and what it held before us (None: there was no file), and
    returns what stays; None where nothing else is in a file that we created. `outline` reduces
    what the file held before us to what `remove` needs to know of it.
    """

    remove: Callable[[bytes, bytes | None], bytes | None]
    outline: Callable[[bytes], bytes] | None = None


class Digest(msgspec.Struct, frozen=True):
    """Enough of a Content to tell whether a file is still as we wrote it."""

    sha256: str
    mode: int
    link: bool = False

    @classmethod
    def of(cls, content: Content) -> Digest:
        return cls(hashlib.sha256(content.data).hexdigest(), content.mode, content.link)


class Entry(msgspec.Struct, frozen=True):
    """One file that install changed; `before` is what uninstall restores.

    Where taking our part out gives back the same bytes, `before` is only the outline of them:
    a settings file may hold secrets, and no second copy of those is kept.

    `directories` are those that had to be created for it, deepest first. `repository` is the common
    git directory, or the project, it belongs to; None for the user's own files.
    """

    path: str
    part: str
    place: str
    before: Content | None
    after: Digest
    outlined: bool = False
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


def written_files(paths: Paths) -> tuple[Path, ...]:
    """Every file that install has written, or was about to write."""
    known = files.peek_json(paths.install, Record) or Record()
    return tuple(Path(entry.path) for entry in known.entries)


def save(paths: Paths, record: Record) -> None:
    """Write the record, or remove it when nothing is installed any more."""
    if record.entries:
        files.private_directory(paths.state)
        files.write_json(paths.install, record)
    else:
        paths.install.unlink(missing_ok=True)


def with_changes(
    record: Record, changes: Iterable[Change], part_of: Callable[[str, Path], Part]
) -> Record:
    """`record` after `changes`; `before` stays what was there before our first change."""
    entries = {(entry.path, entry.part): entry for entry in record.entries}
    for change in changes:
        if change.part and change.after is not None:
            key = (str(change.path), change.part)
            part = part_of(change.part, change.path)
            entries[key] = _entry(change, change.after, entries.get(key), part)
    return Record(entries=tuple(entries.values()))


def _entry(change: Change, after: Content, old: Entry | None, part: Part) -> Entry:
    directories = tuple(map(str, missing_directories(change.path)))
    if old is not None:
        directories = (*directories, *(each for each in old.directories if each not in directories))
    before = _without_us(change.before, old, part) if change.before is not None else None
    outline = _outline(before, after, part)
    return Entry(
        path=str(change.path),
        part=change.part,
        place=change.place,
        before=outline or before,
        after=Digest.of(after),
        outlined=outline is not None,
        directories=directories,
        repository=str(change.repository) if change.repository else None,
    )


def _without_us(current: Content, old: Entry | None, part: Part) -> Content | None:
    """What a file would hold without us."""
    if old is not None and not old.outlined and Digest.of(current) == old.after:
        return old.before
    original = old.before.data if old is not None and old.before is not None else None
    remaining = part.remove(current.data, original)
    return None if remaining is None else Content(remaining, current.mode, current.link)


def _outline(before: Content | None, after: Content, part: Part) -> Content | None:
    """What is needed to restore `before` from `after`; None if that is all of it."""
    if before is None or before.link or part.outline is None:
        return None
    outline = part.outline(before.data)
    if part.remove(after.data, outline) != before.data:
        return None
    return Content(outline, before.mode)


def undo(entry: Entry, part: Part) -> Change:
    """The change that removes us from a file: to the same bytes as before, or all but our part."""
    path = Path(entry.path)
    current = read(path, follow=not (entry.before and entry.before.link))
    if current is None:
        return Change(path, None, None)
    now, ours = Digest.of(current), entry.after
    untouched = (now.sha256, now.link) == (ours.sha256, ours.link)
    if untouched and not entry.outlined:
        after = entry.before
    else:
        original = entry.before.data if entry.before is not None else None
        remaining = part.remove(current.data, original)
        after = None if remaining is None else Content(remaining, current.mode, current.link)
    if after is not None and entry.before is not None:
        # A mode that somebody has set since is kept.
        mode = entry.before.mode if now.mode == ours.mode else now.mode
        after = msgspec.structs.replace(after, mode=mode)
    return Change(path, current, after)
