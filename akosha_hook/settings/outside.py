"""A database that Session-Buddy is told to keep somewhere else than in its data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from akosha_hook.settings.origin import Origin


@dataclass(frozen=True, slots=True)
class OutsideDatabase:
    """It is backed up under the name of its file. `origin` is the setting that says where it is."""

    path: Path
    origin: Origin


def outside(
    path: Path, origin: Origin, *, directory: Path, patterns: Iterable[str]
) -> OutsideDatabase | None:
    """The database at `path`; None where the data directory has it, or `patterns` exclude it."""
    excluded = not any(path.name == each or fnmatchcase(path.name, each) for each in patterns)
    if excluded or _is_same(path.parent, directory):
        return None
    return OutsideDatabase(path, origin)


def hidden(database: OutsideDatabase, directory: Path) -> tuple[str, ...]:
    """A warning where the data directory has a file of that name, which is not backed up then."""
    path = directory / database.path.name
    if not os.path.lexists(path):
        return ()
    name, written = one_line(path.name), one_line(str(database.path), 1024)
    warning = (
        f"{one_line(str(path), 1024)} is not backed up: what is stored as {name} is {written}, "
        f"where Session-Buddy writes ({database.origin}); if it still matters, rename it"
    )
    return (warning,)


def _is_same(directory: Path, other: Path) -> bool:
    return directory == other or os.path.realpath(directory) == os.path.realpath(other)
