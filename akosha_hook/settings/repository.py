"""What a repository's own file may say: restrict its own events, and nothing else.

A repository is somebody else's file. It never chooses where memories go or how credentials are
found, and a broken or hostile one has no effect but a line in `ignored`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akosha_hook.settings.document import UnreadableError, place
from akosha_hook.settings.fields import RepositoryRule, Settings
from akosha_hook.settings.table import table
from akosha_hook.settings.toml_file import read_toml
from akosha_hook.settings.values import RejectedError, from_native
from akosha_hook.settings.wording import shown
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_FILE = ".akosha-hook.toml"
PYPROJECT = "pyproject.toml"
TOOL = "akosha-hook"
MAX_BYTES = 262_144
MAX_LEVELS = 64
MAX_IGNORED = 20


@dataclass(frozen=True, slots=True)
class RepositoryRules:
    """The settings that hold for one repository's events; `ignored` says what had no effect."""

    upload_on_session_end: bool
    upload_on_commit: bool
    min_interval_seconds: int
    ignored: tuple[str, ...] = ()


def rules(directory: Path | None, settings: Settings) -> RepositoryRules:
    """`settings` as restricted by the repository around `directory`; never raises.

    Files are looked for from `directory` up to the repository's top, never above it; where there
    are several, every restriction counts. None, or no repository, restricts nothing.
    """
    values = {name: getattr(settings, name) for name in _restrictable()}
    ignored: list[str] = []
    for path in _files(directory):
        for key, value in _read(path, ignored).items():
            _apply(path, key, value, values, ignored)
    if len(ignored) > MAX_IGNORED:
        ignored[MAX_IGNORED:] = [f"and {len(ignored) - MAX_IGNORED} more like these"]
    return RepositoryRules(
        values["akosha_upload_on_session_end"],
        values["akosha_upload_on_commit"],
        values["akosha_min_interval_seconds"],
        tuple(ignored),
    )


def check_file(path: Path) -> tuple[str, ...]:
    """What in one repository file would have no effect, each on one line."""
    values = {name: table()[name].default for name in _restrictable()}
    ignored: list[str] = []
    for key, value in _read(path, ignored).items():
        _apply(path, key, value, values, ignored)
    return tuple(ignored[:MAX_IGNORED])


def _restrictable() -> list[str]:
    return [row.name for row in table().values() if row.repository is not None]


def _files(directory: Path | None) -> Iterator[Path]:
    for level in _levels(directory):
        yield level / OWN_FILE
        yield level / PYPROJECT


def _levels(directory: Path | None) -> list[Path]:
    """`directory` and its parents up to the repository's top; none outside a repository."""
    if directory is None or not directory.is_absolute():
        return []
    try:
        start = Path(os.path.realpath(directory))
        levels: list[Path] = []
        for level in [start, *start.parents][:MAX_LEVELS]:
            levels.append(level)
            if os.path.lexists(level / ".git"):
                return levels
    except (OSError, ValueError):
        return []
    return []


def _read(path: Path, ignored: list[str]) -> dict[str, Any]:
    try:
        document = read_toml(path, follow=False, limit=MAX_BYTES) or {}
    except UnreadableError as error:
        ignored.append(str(error))
        return {}
    if path.name != PYPROJECT:
        return document
    tools = document.get("tool")
    section = tools.get(TOOL) if isinstance(tools, dict) else None
    if section is None or isinstance(section, dict):
        return section or {}
    ignored.append(f"{place(path)}: tool.{TOOL} is not a table")
    return {}


def _apply(path: Path, key: str, value: object, values: dict[str, Any], ignored: list[str]) -> None:
    row = table().get(key)
    if row is None or row.repository is None:
        ignored.append(f"{place(path)}: {one_line(key)} is not for a repository to set")
        return
    try:
        wanted = from_native(row, value)
    except RejectedError as error:
        ignored.append(f"{place(path)}: {key} is {shown(value)} but must be {error}")
        return
    if row.repository is RepositoryRule.ONLY_OFF:
        strictest = values[key] and wanted
    else:
        strictest = max(values[key], wanted)
    if strictest != wanted:
        now = shown(values[key])
        ignored.append(f"{place(path)}: {key} is {shown(wanted)}, which would widen {now}")
    values[key] = strictest
