"""Which databases the data directory has: by their bytes, narrowed by `akosha_databases`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from akosha_hook.snapshot.database import LiveDatabase
from akosha_hook.snapshot.kinds import is_sidecar, kind_of
from akosha_hook.snapshot.model import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# A file of such a name that is no database is said to be none; of any other it is no news.
DUCKDB_SUFFIXES = (".duckdb", ".ddb")
SUFFIXES = (*DUCKDB_SUFFIXES, ".db", ".sqlite", ".sqlite3")
# It goes first: if time is short, the conversations are what matters most.
CONVERSATIONS = "reflection.duckdb"
WILDCARDS = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """The databases that are to be backed up, and those that are named and not there."""

    databases: tuple[LiveDatabase, ...]
    missing: tuple[Skipped, ...] = ()


def find(directory: Path, patterns: Iterable[str], outside: Iterable[Path] = ()) -> Found:
    """The databases in `directory` that `patterns` (names or globs) choose, and those `outside`.

    A glob chooses what is a database by its bytes or its suffix, and no sidecar. A plain name that
    is not there is reported as missing; a glob without a match is not. One that lies outside is the
    only one of its name, even where it is missing: another file is no newer state of it.
    """
    elsewhere = {each.name: each for each in outside}
    found = {name: LiveDatabase(path) for name, path in elsewhere.items() if path.exists()}
    missing = [
        Skipped(name, "missing", f"{name} is not in {path.parent}")
        for name, path in elsewhere.items()
        if name not in found
    ]
    for pattern in patterns:
        if is_glob(pattern):
            for each in _matches(directory, pattern):
                if each.name not in elsewhere:
                    found[each.name] = each
        elif pattern in elsewhere:
            continue
        elif (directory / pattern).exists():
            found[pattern] = LiveDatabase(directory / pattern)
        else:
            missing.append(Skipped(pattern, "missing", f"{pattern} is not in {directory}"))
    return Found(tuple(found.values()), tuple(missing))


def find_databases(
    directory: Path, patterns: Iterable[str], outside: Iterable[Path] = ()
) -> tuple[tuple[str, ...], tuple[Skipped, ...]]:
    """The names that `find` finds."""
    found = find(directory, patterns, outside)
    return tuple(each.name for each in found.databases), found.missing


def is_glob(pattern: str) -> bool:
    return any(character in pattern for character in WILDCARDS)


def has_suffix(name: str) -> bool:
    """Whether databases are called like that."""
    return name.casefold().endswith(SUFFIXES)


def is_selected(name: str, patterns: Iterable[str]) -> bool:
    """Whether `akosha_databases` includes that name."""
    return any(name == each or fnmatchcase(name, each) for each in patterns)


def _matches(directory: Path, pattern: str) -> Iterator[LiveDatabase]:
    names = sorted(entries(directory), key=lambda name: (name != CONVERSATIONS, name))
    for name in names:
        if not fnmatchcase(name, pattern) or is_sidecar(name):
            continue
        path, is_duckdb = directory / name, name.casefold().endswith(DUCKDB_SUFFIXES)
        if path.is_file():
            if kind_of(path):
                yield LiveDatabase(path)
            elif has_suffix(name):
                yield LiveDatabase(path, doubtful=not is_duckdb)
        elif is_duckdb:
            # A directory, a pipe, or a link that leads nowhere, where a memory should be.
            yield LiveDatabase(path)


def entries(directory: Path) -> list[str]:
    """What lies in the directory; nothing where it cannot be listed."""
    try:
        return [each.name for each in directory.iterdir()]
    except OSError:
        return []
