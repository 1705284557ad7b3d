"""Several machines that upload under one name, and copies of a state directory."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from akosha_hook import settings
from akosha_hook.paths import Paths
from akosha_hook.state import host, identity
from tests.support.duck import make_databases
from tests.support.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def another_machine(home: Home, where: Path) -> Home:
    """A machine of its own with the same settings, so under the same name in the same bucket."""
    paths = Paths(claude=where / ".claude", user_toml=where / "config.toml")
    make_databases(paths.data, conversations=3)
    other = Home(paths, home.bucket, dict(home.settings))
    other.configure()
    return other


def copy_of(home: Home, where: Path) -> Home:
    """A machine with a copy of everything that `home` has, its state directory included."""
    paths = Paths(claude=where / ".claude", user_toml=where / "config.toml")
    shutil.copytree(home.paths.claude, paths.claude)
    return Home(paths, home.bucket, dict(home.settings))


def on_host(monkeypatch: pytest.MonkeyPatch, where: Path, name: str) -> None:
    """From now on this process runs on the machine `name`."""
    file = where / f"machine-id-{name}"
    file.write_text(name.encode().hex().ljust(32, "0")[:32] + "\n")
    monkeypatch.setattr(host, "MACHINE_ID_FILES", (file,))


def machine_id(home: Home) -> str:
    return identity.look(home.paths, settings.load({}, home.paths).settings).machine_id
