"""Sets of files beside the databases: what is in each, where it lies, and how it is called."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from akosha_hook.format.tar import SUFFIX
from akosha_hook.settings.derived import data_directory
from akosha_hook.settings.fields import FILE_SETS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.settings import Settings

# Of a file's path, component by component; "**" is any number of them.
Pattern: TypeAlias = "Sequence[str]"
_SESSION_BUDDYS = ("sessions", "handoffs", "checkpoints", "app_monitoring")
_PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "session-files": tuple((name, "*", "**") for name in _SESSION_BUDDYS),
    "claude-memory": (("CLAUDE.md",), ("projects", "*", "memory", "*", "**")),
    "claude-transcripts": (("projects", "**", "*.jsonl"),),
}
# Those that lie in the data directory; the others are in Claude Code's own.
_IN_DATA = frozenset({"session-files"})
ITEMS = tuple(name + SUFFIX for name in FILE_SETS)


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of a set that lie below `root`, stored as one item."""

    name: str
    root: Path

    @property
    def item(self) -> str:
        """Its name where databases have theirs."""
        return self.name + SUFFIX

    @property
    def is_followed(self) -> bool:
        """Whether Claude does what stands in its files."""
        return self.name == "claude-memory"

    def includes(self, parts: Pattern) -> bool:
        """Whether the file at that path is one of the set's."""
        return includes(self.name, parts)

    def may_be_in(self, parts: Pattern) -> bool:
        """Whether files of the set may lie in the directory at that path."""
        return any(_leads_to(parts, pattern) for pattern in _PATTERNS[self.name])


def file_set(name: str, settings: Settings, paths: Paths) -> FileSet:
    """The set of that name, which is in `FILE_SETS`."""
    root = data_directory(settings, paths) if name in _IN_DATA else paths.claude
    return FileSet(name, root)


def included(settings: Settings, paths: Paths) -> tuple[FileSet, ...]:
    """The sets that are backed up."""
    return tuple(file_set(name, settings, paths) for name in settings.akosha_include)


def includes(name: str, parts: Pattern) -> bool:
    """Whether the set of that name includes the file at that path."""
    return any(_matches(parts, pattern) for pattern in _PATTERNS[name])


def item_of(name: str) -> str:
    """The name under which a set is stored; that of a database as it is."""
    return name + SUFFIX if name in FILE_SETS else name


def set_of(item: str) -> str | None:
    """The set that is stored under that name; None for a database's."""
    return item.removesuffix(SUFFIX) if item in ITEMS else None


def _matches(parts: Pattern, pattern: Pattern) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[at:], pattern[1:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _leads_to(parts: Pattern, pattern: Pattern) -> bool:
    """Whether something below the directory at that path can match."""
    if not pattern:
        return False
    if not parts or pattern[0] == "**":
        return True
    return fnmatchcase(parts[0], pattern[0]) and _leads_to(parts[1:], pattern[1:])
