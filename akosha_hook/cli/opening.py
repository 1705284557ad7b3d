"""What most commands start with: the context, and the log opened."""

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

    `strict` raises SettingsError for settings that cannot be used. `writes` creates the state
    directory and makes it private; commands that only read leave it alone.
    """
    dropped = forget_project()
    environ = dict(os.environ)
    paths = Paths.from_environment(environ)
    tightened = files.tighten(paths.state) if writes else ()
    if writes:
        files.private_directory(paths.state)
    loaded = (settings.load_strict if strict else settings.load)(environ, paths)
    log.configure(paths, level=loaded.settings.log_level, debug=loaded.settings.enable_debug_mode)
    log.protect_environment(environ)
    for path, _ in tightened:
        logger.warning("%s was open to others; it is closed to them now", path)
    for each in dropped:
        logger.warning("%s", each)
    warnings = (*loaded.warnings, *dropped)
    loaded = dataclasses.replace(loaded, warnings=warnings)
    return Context(loaded, paths, environ, dropped=dropped)


def forget_project() -> tuple[str, ...]:
    """Remove from our environment what the current project set; one message for each variable."""
    try:
        here = Path.cwd()
    except OSError:
        here = None
    return forget_projects(os.environ, [here])
