"""What a run works with, made once and passed to everything it calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.util.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping

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
