"""What lies where Session-Buddy keeps its memory and is not backed up: named, so that nobody relies on it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook import snapshot
from akosha_hook.doctor.finding import Finding
from akosha_hook.settings.derived import data_directory
from akosha_hook.snapshot.finding import has_suffix
from akosha_hook.snapshot.kinds import BESIDE, kind_of
from akosha_hook.snapshot.sets import included
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from akosha_hook.context import Context
    from akosha_hook.snapshot.sets import FileSet

AREA = "Databases"
# Names in a message, and files that are looked at.
NAMED, LOOKED_AT = 10, 20_000
# Session-Buddy keeps these beside a project, or in the home directory, and no setting covers them.
OF_A_PROJECT = (".session-buddy/skills.db", ".claude/handoff")
OF_A_HOME = (".session-buddy/pending", ".claude/worktree_sessions")


def findings(context: Context, directory: Path) -> Iterator[Finding]:
    """Databases that the settings leave out, what else is in the data directory, and elsewhere.

    `directory` is that of the project.
    """
    found = _look(context)
    if found.excluded:
        detail = f"akosha_databases leaves out {_listed(found.excluded)}"
        yield Finding(
            AREA, "excluded", "warning", detail, "akosha-hook config set akosha_databases '*'"
        )
    if found.others:
        detail = _listed(found.others)
        if found.is_cut_off:
            detail += f" (only the first {LOOKED_AT:,} files were looked at)"
        yield Finding(AREA, "not covered", "ok", detail)
    if found.nested:
        detail = f"not covered, since they lie in folders: {_listed(found.nested)}"
        fix = "databases are backed up only where they lie in the data directory itself"
        yield Finding(AREA, "databases in folders", "warning", detail, fix)
    if elsewhere := list(_elsewhere(context, directory)):
        detail = f"not covered, and not in the data directory: {_listed(elsewhere)}"
        yield Finding(AREA, "elsewhere", "ok", detail)


@dataclass(slots=True)
class _Uncovered:
    excluded: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    left: int = LOOKED_AT

    @property
    def is_cut_off(self) -> bool:
        return self.left <= 0


def _look(context: Context) -> _Uncovered:
    settings = context.loaded.settings
    data = data_directory(settings, context.paths)
    databases = snapshot.find(data, settings.akosha_databases, context.outside_databases).databases
    covered = {each.name for each in databases if each.path.parent == data}
    # The settings' own warning says that a database elsewhere has taken the place of one here.
    replaced = {each.name for each in databases} - covered
    sets = [each for each in included(settings, context.paths) if each.root == data]
    found = _Uncovered()
    entries = _entries(data)
    names = {each.name for each in entries}
    for entry in entries:
        path = Path(entry.path)
        if entry.name in covered or _base(entry.name) in names or _is_in(sets, (entry.name,)):
            continue
        if _is_directory(entry):
            if count := _count(path, (entry.name,), sets, found):
                found.others.append(f"{entry.name}/ ({count:,} file{'' if count == 1 else 's'})")
        elif path.is_file() and kind_of(path) and entry.name not in replaced:
            found.excluded.append(entry.name)
        else:
            found.others.append(entry.name)
    return found


def _count(directory: Path, parts: tuple[str, ...], sets: list[FileSet], found: _Uncovered) -> int:
    """Files below `directory` that no set includes."""
    count = 0
    for entry in _entries(directory):
        if found.left <= 0:
            break
        found.left -= 1
        below = (*parts, entry.name)
        if _is_directory(entry):
            count += _count(Path(entry.path), below, sets, found)
        elif not _is_in(sets, below):
            count += 1
            if has_suffix(entry.name) and kind_of(Path(entry.path)):
                found.nested.append("/".join(below))
    return count


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda each: each.name)
    except OSError:
        return []


def _is_directory(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _base(name: str) -> str:
    """The database that a sidecar of that name belongs to; "" where it is none."""
    return next((name.removesuffix(end) for end in BESIDE if name.endswith(end)), "")


def _is_in(sets: Iterable[FileSet], parts: tuple[str, ...]) -> bool:
    return any(each.includes(parts) for each in sets)


def _elsewhere(context: Context, directory: Path) -> Iterator[str]:
    yield from (f"{name} of this project" for name in OF_A_PROJECT if (directory / name).exists())
    if home := context.environ.get("HOME"):
        yield from (f"~/{name}" for name in OF_A_HOME if (Path(home) / name).exists())


def _listed(names: list[str]) -> str:
    shown = ", ".join(map(one_line, names[:NAMED]))
    more = len(names) - NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
