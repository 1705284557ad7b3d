"""Running every check of `doctor` on a home, and picking findings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from akosha_hook import doctor, settings
from akosha_hook.context import Context
from akosha_hook.doctor.finding import Finding
from tests.support.home import Home


def context_of(home: Home) -> Context:
    return Context(settings.load(os.environ, home.paths), home.paths, os.environ)


def examine(home: Home, directory: Path | None = None) -> list[Finding]:
    return list(doctor.examine(context_of(home), directory or Path("/")))


def examined_within_modes(home: Home) -> dict[str, Any]:
    """`doctor --json` of a user whom file modes bind, even where root runs the tests."""
    bound: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed, and root may read and write everything")
        powers = "-dac_override,-dac_read_search"
        bound = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
    done = subprocess.run(
        [*bound, sys.executable, "-P", "-m", "akosha_hook", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    return {"exit_code": done.returncode, **json.loads(done.stdout)}


def only(findings: list[Finding], area: str, name: str) -> Finding:
    (finding,) = (each for each in findings if each.area == area and each.name.startswith(name))
    return finding


def bad(findings: list[Finding]) -> list[str]:
    return [
        f"{each.area} {each.name}: {each.detail}" for each in findings if each.state == "problem"
    ]
