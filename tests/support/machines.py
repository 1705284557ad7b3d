"""Several machines that upload under one name, and copies of a state directory."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from akosha_hook import settings
from akosha_hook.paths import Paths
from akosha_hook.state import host, identity
from akosha_hook.util import files
from tests.support.duck import make_databases
from tests.support.home import Home, pin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


H = TypeVar("H", bound=Home)
AHEAD_SECONDS = 1000


def another_machine(home: Home, where: Path) -> Home:
    """A machine of its own with the same settings, so under the same name in the same bucket.

    Its clock is ahead: of what both upload within a second, its uploads are the newer ones.
    """
    paths = Paths(claude=where / ".claude", user_toml=where / "config.toml")
    make_databases(paths.data, conversations=3)
    other = Home(paths, home.bucket, dict(home.settings))
    other.configure()
    me = identity.load(paths, settings.load({}, paths).settings)
    ahead = int(time.time()) + AHEAD_SECONDS
    files.write_json(paths.machine, msgspec.structs.replace(me, sequence=ahead))
    return other


def copy_of(home: H, where: Path) -> H:
    """A machine with a copy of everything that `home` has, its state directory included."""
    paths = Paths(claude=where / ".claude", user_toml=where / "config.toml")
    shutil.copytree(home.paths.claude, paths.claude)
    pin(paths)
    return replace(home, paths=paths, settings=dict(home.settings))


def on_host(monkeypatch: pytest.MonkeyPatch, where: Path, name: str) -> None:
    """From now on this process runs on the machine `name`."""
    file = where / f"machine-id-{name}"
    file.write_text(name.encode().hex().ljust(32, "0")[:32] + "\n")
    monkeypatch.setattr(host, "MACHINE_ID_FILES", (file,))
    # As in the account's own directory, where a copied pin counts.
    monkeypatch.setattr("akosha_hook.state.pin._is_from_here", lambda *_: True)


def machine_id(home: Home) -> str:
    return identity.look(home.paths, settings.load({}, home.paths).settings).machine_id
