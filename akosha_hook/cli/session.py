"""What most commands begin with: paths, settings, log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook import files, log, settings
from akosha_hook.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.settings import Loaded


@dataclass(frozen=True, slots=True)
class Session:
    """A command's surroundings."""

    paths: Paths
    environ: Mapping[str, str]
    loaded: Loaded


def open_session(*, strict: bool = True, writes: bool = False) -> Session:
    """Load settings and start logging.

    `strict` raises SettingsError for settings that cannot be used; `writes` makes the state
    directory, which a command that only looks does not.
    """
    environ = dict(os.environ)
    paths = Paths.from_environment(environ)
    if writes:
        files.private_directory(paths.state)
    loaded = (settings.load_strict if strict else settings.load)(environ, paths)
    log.configure(paths, level=loaded.settings.log_level, debug=loaded.settings.enable_debug_mode)
    return Session(paths, environ, loaded)
