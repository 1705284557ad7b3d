"""Running every check of `doctor` on a home, and picking findings."""

from __future__ import annotations

import os
from pathlib import Path

from akosha_hook import doctor, settings
from akosha_hook.context import Context
from akosha_hook.doctor.finding import Finding
from tests.support.home import Home


def context_of(home: Home) -> Context:
    return Context(settings.load(os.environ, home.paths), home.paths, os.environ)


def examine(home: Home, directory: Path | None = None) -> list[Finding]:
    return list(doctor.examine(context_of(home), directory or Path("/")))


def only(findings: list[Finding], area: str, name: str) -> Finding:
    (finding,) = (each for each in findings if each.area == area and each.name.startswith(name))
    return finding


def bad(findings: list[Finding]) -> list[str]:
    return [
        f"{each.area} {each.name}: {each.detail}" for each in findings if each.state == "problem"
    ]
