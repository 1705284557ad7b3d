"""Checking settings files one by one, whatever layer they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.settings import layers, repository
from akosha_hook.settings.document import place
from akosha_hook.settings.loading import fold
from akosha_hook.settings.origin import Layer

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileReport:
    """What is wrong in one file, each on one line that names it."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def validate_file(path: Path, *, home: Path) -> FileReport:
    """Check `path` by its name: a repository's file, a user's TOML, or Session-Buddy's YAML.

    Fields that depend on one another are checked as if this file and the defaults were all.
    """
    if not path.exists():
        return FileReport((f"{place(path)}: does not exist",))
    if path.name in {repository.OWN_FILE, repository.PYPROJECT}:
        return FileReport(repository.check_file(path))
    if path.suffix == ".toml":
        content = layers.user_toml(path)
    elif path.suffix in {".yaml", ".yml"}:
        content = layers.yaml_layer(path, Layer.BASE)
    else:
        return FileReport((f"{place(path)}: is neither .toml nor .yaml",))
    loaded = fold([content], home=home)
    return FileReport(loaded.problems, loaded.warnings, loaded.notes)
