"""Every place where we are installed, and whether our hooks there would still run."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from akosha_hook.errors import AkoshaHookError
from akosha_hook.install import git_places, record, script
from akosha_hook.install.agents import claude_places
from akosha_hook.install.place import Place
from akosha_hook.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from akosha_hook.paths import Paths

__all__ = ["Place", "installed_places", "script_outdated", "script_problem"]


def installed_places(
    paths: Paths, environ: Mapping[str, str], directory: Path
) -> tuple[Place, ...]:
    """The places that were recorded, and those places in Claude Code's settings and around `directory`.

    Reads files and asks git once; changes nothing.
    """
    entries = record.load(paths).entries
    broken = script_problem(paths)
    places = [
        *claude_places.settings_places(paths, entries, directory),
        *claude_places.plugin_places(paths),
        *git_places.places(entries, environ, directory),
    ]
    if broken is None:
        return tuple(places)
    return tuple(
        place
        if place.state == "broken" or place.kind == "claude-plugin"
        else replace(place, state="broken", detail=broken, fix="akosha-hook install")
        for place in places
    )


def script_problem(paths: Paths) -> str | None:
    """Why no hook could start a worker; None where all is well."""
    if not os.access(paths.hook_script, os.X_OK):
        return f"{paths.hook_script} is missing or not executable"
    try:
        interpreter = os.fsdecode(paths.interpreter.read_bytes()).partition("\n")[0]
    except OSError:
        return f"{paths.interpreter} is missing"
    if not os.access(interpreter, os.X_OK):
        return f"the Python it was installed with is gone: {interpreter or '(empty)'}"
    return None


def script_outdated(paths: Paths) -> bool:
    """Whether the installed script differs from the one that this version ships."""
    try:
        return paths.hook_script.read_bytes() != shipped(script.SHIPPED).read_bytes()
    except (OSError, AkoshaHookError):
        return False
