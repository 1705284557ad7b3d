"""Starting the worker so that nobody waits for it and nothing of the caller leaks into it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from akosha_hook.state import pin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from akosha_hook.paths import Paths

_WORKER = ("-P", "-m", "akosha_hook.worker")
# Python's own variables can name code to run: PYTHONPATH, PYTHONPYCACHEPREFIX, PYTHONUSERBASE.
_UNSET = ("GIT_", "PYTHON")


def start_worker(paths: Paths, environ: Mapping[str, str], *, python: str = sys.executable) -> None:
    """Start a worker in a session of its own; never raises, never waits.

    It runs under the interpreter that `install` recorded, where that one still has the package,
    else under `python`.
    """
    # A state directory that came with a clone must not name what runs.
    recorded = recorded_interpreter(paths) if pin.is_own(paths) else None
    command = [python, *_WORKER]
    if recorded is not None and recorded != python:
        command = [python, "-P", "-m", "akosha_hook.hook.spawn", recorded]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=worker_environment(paths, environ),
            start_new_session=True,
        )
    except (OSError, ValueError):
        return
    # A caller that lives on, like the MCP server, must not collect zombies.
    threading.Thread(target=process.wait, daemon=True).start()


def worker_environment(paths: Paths, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without git's and Python's own variables, and tied to `paths`.

    git exports `GIT_DIR` and `GIT_INDEX_FILE` to hooks, which would point any git the worker runs
    at the wrong repository. OLDPWD tells the worker whose environment it has.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(_UNSET)}
    with contextlib.suppress(OSError):
        kept["OLDPWD"] = str(Path.cwd())
    return kept | {"CLAUDE_CONFIG_DIR": str(paths.claude)}


def recorded_interpreter(paths: Paths) -> str | None:
    """The interpreter `install` recorded; None where there is none or it is gone."""
    try:
        line = os.fsdecode(paths.interpreter.read_bytes()).partition("\n")[0]
        runs = line.startswith("/") and os.access(line, os.X_OK) and Path(line).is_file()
    except (OSError, ValueError):
        return None
    return line if runs else None


def main(interpreters: Sequence[str]) -> None:
    """Become the worker under the first interpreter that has the package, else under the last."""
    *first, last = interpreters
    chosen = next((each for each in first if _has_package(each)), last)
    os.execv(chosen, [chosen, *_WORKER])  # noqa: S606 - no shell is the point


def _has_package(interpreter: str) -> bool:
    command = [interpreter, "-P", "-c", "import akosha_hook"]
    try:
        return subprocess.run(command, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main([*sys.argv[1:], sys.executable])
