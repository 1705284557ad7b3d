"""Events as the hooks record them."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.hook import outbox
from tests.support.home import Home


def happen(home: Home, name: str = "post-commit", directory: Path | None = None) -> None:
    outbox.record(home.paths, name, directory, b"")
