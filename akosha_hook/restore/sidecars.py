"""The files beside a database that belong to it."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from akosha_hook.format.manifest import SIDECARS

if TYPE_CHECKING:
    from pathlib import Path

# SQLite's index into a `-wal`: of no use beside another one.
NEVER_STORED = ("-shm",)


def sidecars(directory: Path, database: str) -> list[Path]:
    """Every file beside `database` that DuckDB or SQLite would take for its own."""
    named = [directory / (database + end) for end in (*SIDECARS, *NEVER_STORED)]
    paths = [*named, *directory.glob(glob.escape(database) + ".wal*")]
    return [path for path in dict.fromkeys(paths) if os.path.lexists(path)]
