"""What most commands begin with: the context, and a log that is open."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

from akosha_hook import settings
from akosha_hook.context import Context
from akosha_hook.paths import Paths
from akosha_hook.settings.project import forget_projects
from akosha_hook.util import files, log

logger = logging.getLogger(__name__)


def open_context(*, strict: bool = True, writes: bool = False) -> Context:
    """Load settings and start logging.

    `strict` raises SettingsError for settings that cannot be used; `writes` makes the state
    directory, which a command that only looks does not.
    """
    dropped = forget_project()
    environ = dict(os.environ)
    paths = Paths.from_environment(environ)
    loose = files.tighten(paths.state) if writes else ()
    if writes:
        files.private_directory(paths.state)
    loaded = (settings.load_strict if strict else settings.load)(environ, paths)
    log.configure(paths, level=loaded.settings.log_level, debug=loaded.settings.enable_debug_mode)
    log.protect_environment(environ)
    for path, _ in loose:
        logger.warning("%s was open to others; it is closed to them now", path)
    for each in dropped:
        logger.warning("%s", each)
    warnings = (*loaded.warnings, *dropped)
    return Context(dataclasses.replace(loaded, warnings=warnings), paths, environ)


def forget_project() -> tuple[str, ...]:
    """Take out of our environment what the project we stand in put there, and say what."""
    try:
        here = Path.cwd()
    except OSError:
        here = None
    return forget_projects(os.environ, [here])
