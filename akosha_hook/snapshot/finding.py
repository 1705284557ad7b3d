"""Which databases the data directory has: by their bytes, narrowed by `akosha_databases`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from akosha_hook.format.manifest import SIDECARS
from akosha_hook.snapshot.kinds import kind_of
from akosha_hook.snapshot.model import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# What only exists while SQLite has a database open; it is rebuilt from the `-wal`.
NEVER_STORED = ("-shm",)
BESIDE = (*SIDECARS, "-wal", "-journal", *NEVER_STORED)
# A file of such a name that is no database is said to be none; of any other it is no news.
SUFFIXES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")
# It goes first: if time is short, the conversations are what matters most.
CONVERSATIONS = "reflection.duckdb"
WILDCARDS = "*?["


def find_databases(
    directory: Path, patterns: Iterable[str]
) -> tuple[tuple[str, ...], tuple[Skipped, ...]]:
    """Names of the databases in `directory` that `patterns` (names or globs) choose.

    A glob chooses what is a database by its bytes or its suffix, and no sidecar. A plain name that
    is not there is reported as missing; a glob without a match is not.
    """
    names: dict[str, None] = {}
    missing: list[Skipped] = []
    for pattern in patterns:
        if is_glob(pattern):
            names.update(dict.fromkeys(_matches(directory, pattern)))
        elif (directory / pattern).exists():
            names[pattern] = None
        else:
            missing.append(Skipped(pattern, "missing", f"{pattern} is not in {directory}"))
    return tuple(names), tuple(missing)


def is_glob(pattern: str) -> bool:
    return any(character in pattern for character in WILDCARDS)


def is_sidecar(name: str) -> bool:
    """Whether a file of that name belongs to a database rather than being one."""
    return name.endswith(BESIDE)


def has_suffix(name: str) -> bool:
    """Whether databases are called like that."""
    return name.casefold().endswith(SUFFIXES)


def is_selected(name: str, patterns: Iterable[str]) -> bool:
    """Whether `akosha_databases` includes that name."""
    return any(name == each or fnmatchcase(name, each) for each in patterns)


def _matches(directory: Path, pattern: str) -> Iterator[str]:
    names = sorted(entries(directory), key=lambda name: (name != CONVERSATIONS, name))
    for name in names:
        if fnmatchcase(name, pattern) and not is_sidecar(name):
            path = directory / name
            if has_suffix(name) or (path.is_file() and kind_of(path)):
                yield name


def entries(directory: Path) -> list[str]:
    """What lies in the directory; nothing where it cannot be listed."""
    try:
        return [each.name for each in directory.iterdir()]
    except OSError:
        return []
