"""Versions, for a bug report."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.install import git
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.context import Context

AREA = "Versions"
GIT_SECONDS = 5.0


def findings(context: Context) -> Iterator[Finding]:
    """Ours, our libraries', git's, and Session-Buddy's if it is installed in the same Python."""
    yield Finding(
        AREA,
        "akosha-hook",
        "ok",
        f"{__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}",
    )
    libraries = ", ".join(f"{name} {_version(name)}" for name in ("duckdb", "minio", "urllib3"))
    yield Finding(AREA, "libraries", "ok", libraries)
    yield Finding(AREA, "git", "ok", _git(context))
    buddy = _version("session-buddy")
    yield Finding(AREA, "Session-Buddy", "ok", buddy or "not in this Python, as usual")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _git(context: Context) -> str:
    try:
        return git.version_text(Path("/"), context.environ, seconds=GIT_SECONDS)
    except git.GitError:
        return "not found"
