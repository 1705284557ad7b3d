"""What a run works with, made once and passed to everything it calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.settings.derived import data_directory
from akosha_hook.util.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths
    from akosha_hook.settings import Loaded, Settings
    from akosha_hook.util.progress import Progress


@dataclass(frozen=True, slots=True)
class Context:
    """Settings with their origins and problems, paths, environment, and whom to tell of progress.

    What a project put into the environment is not in `environ`; `dropped` says what that was, in
    a message for each variable.
    """

    loaded: Loaded
    paths: Paths
    environ: Mapping[str, str]
    progress: Progress = field(default_factory=Silent)
    dropped: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def outside_databases(self) -> tuple[Path, ...]:
        """Databases that are configured outside the data directory; they may not exist."""
        return tuple(each.path for each in self.loaded.outside)

    def database_path(self, name: str) -> Path:
        """Where the database that is stored under that name belongs."""
        outside = {each.name: each for each in self.outside_databases}
        return outside.get(name) or data_directory(self.settings, self.paths) / name
