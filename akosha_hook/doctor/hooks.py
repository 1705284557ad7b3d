"""Whether hooks are installed, run, and find a working Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from akosha_hook.doctor.finding import Finding
from akosha_hook.hook import outbox
from akosha_hook.install.places import installed_places, script_outdated, script_problem
from akosha_hook.util.secret import without_keys
from akosha_hook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.context import Context
    from akosha_hook.install.place import Place

AREA = "Hooks"
SCRIPT_SECONDS = 5.0
PYTHON_SECONDS = 20.0
DAY_SECONDS = 86_400
# The script ignores events that it does not know.
NO_EVENT = "doctor"
IMPORT = (
    "import akosha_hook.worker, akosha_hook.worker.loop, akosha_hook.upload.deliver, "
    "akosha_hook.version; print(akosha_hook.version.__version__)"
)


def findings(context: Context, directory: Path) -> Iterator[Finding]:
    """Every place, the script, the interpreter, the programs on PATH, and old events."""
    places = installed_places(context.paths, context.environ, directory)
    if not places:
        yield Finding(AREA, "installed", "warning", "no hook is installed", "akosha-hook install")
    for place in places:
        yield _of_place(place)
    if context.paths.hook_script.exists() or any(p.kind != "claude-plugin" for p in places):
        yield _script(context)
        yield _interpreter(context)
    yield from _programs(context, places)
    yield from _events(context)


def _of_place(place: Place) -> Finding:
    if place.state == "broken":
        return Finding(AREA, place.kind, "problem", f"{place.path}: {place.detail}", place.fix)
    return Finding(AREA, place.kind, "ok", f"{place.path} runs {place.detail}")


def _script(context: Context) -> Finding:
    """Run the installed script as a hook does, with an event that it ignores."""
    script = context.paths.hook_script
    if not os.access(script, os.X_OK):
        detail = f"{script} is missing or not executable"
        return Finding(AREA, "script", "problem", detail, "akosha-hook install")
    if script_outdated(context.paths):
        detail = f"{script} is not the one that version {__version__} ships"
        return Finding(AREA, "script", "warning", detail, "akosha-hook install")
    try:
        ran = subprocess.run(
            [script, NO_EVENT],
            env=without_keys(context.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SCRIPT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        detail = f"{script} does not run: {error}"
        return Finding(AREA, "script", "problem", detail, "akosha-hook install")
    if ran.returncode or ran.stdout or ran.stderr:
        detail = f"{script} failed or printed something (exit status {ran.returncode})"
        return Finding(AREA, "script", "problem", detail, "akosha-hook install")
    return Finding(AREA, "script", "ok", f"{script} runs and prints nothing")


def _interpreter(context: Context) -> Finding:
    """Start the recorded Python as the hook does, and import what a worker needs."""
    if (problem := script_problem(context.paths)) is not None:
        return Finding(AREA, "interpreter", "problem", problem, "akosha-hook install")
    python = os.fsdecode(context.paths.interpreter.read_bytes()).partition("\n")[0]
    environ = {
        name: value
        for name, value in without_keys(context.environ).items()
        if name not in {"PYTHONPATH", "PYTHONHOME"}
    }
    try:
        ran = subprocess.run(
            [python, "-P", "-c", IMPORT],
            env=environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PYTHON_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        detail = f"{python} does not start: {error}"
        return Finding(AREA, "interpreter", "problem", detail, "akosha-hook install")
    if ran.returncode:
        errors = ran.stderr.decode(errors="replace").strip().splitlines()
        detail = f"{python} cannot import the worker: {errors[-1] if errors else ran.returncode}"
        fix = "pipx install akosha-hook, then: akosha-hook install"
        return Finding(AREA, "interpreter", "problem", detail, fix)
    version = ran.stdout.decode().strip()
    if version != __version__:
        detail = f"hooks use version {version} in {python}; this is version {__version__}"
        return Finding(AREA, "interpreter", "warning", detail, "akosha-hook install")
    return Finding(AREA, "interpreter", "ok", f"{python} imports the worker")


def _programs(context: Context, places: tuple[Place, ...]) -> Iterator[Finding]:
    path = context.environ.get("PATH", "")
    if shutil.which("akosha-hook", path=path) is None:
        yield Finding(
            AREA,
            "PATH",
            "warning",
            "akosha-hook is not on PATH; installed hooks work without it, the plugin does not",
            "pipx ensurepath, then open a new terminal",
        )
    else:
        yield Finding(
            AREA, "PATH", "ok", f"akosha-hook is {shutil.which('akosha-hook', path=path)}"
        )
    if shutil.which("git", path=path) is None:
        needed = any(not place.kind.startswith("claude") for place in places)
        detail = "git is not on PATH"
        yield Finding(AREA, "git", "problem" if needed else "warning", detail, "install git")


def _events(context: Context) -> Iterator[Finding]:
    """Old events are a sign of a hook that cannot start a worker."""
    waiting = outbox.waiting(context.paths)
    if waiting and time.time() - waiting[0].epoch > DAY_SECONDS:
        detail = f"{len(waiting)} waiting, the oldest for more than a day"
        yield Finding(
            AREA, "events", "warning", detail, "akosha-hook sync, which also shows what is wrong"
        )
    for each in outbox.corrupt(context.paths):
        yield Finding(AREA, "events", "warning", f"{each} is not an event", f"rm '{each}'")
