"""What makes a file a DuckDB database, and which files belong to it.

DuckDB itself is never loaded here: it could not open a database that somebody has open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.snapshot.model import Fingerprint, Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAGIC = b"DUCK"
MAGIC_OFFSET = 8


def members(database: Path) -> dict[Path, Fingerprint]:
    """The database file and the sidecars it has now, the database first.

    Raises OSError where the database itself cannot be looked at.
    """
    fingerprints = {database: Fingerprint.of(database.stat())}
    for suffix in SIDECARS_OF["duckdb"]:
        sidecar = database.with_name(database.name + suffix)
        try:
            fingerprints[sidecar] = Fingerprint.of(sidecar.stat())
        except FileNotFoundError:
            continue
    return fingerprints


def is_known(database: Path, known: Mapping[str, Fingerprint]) -> bool:
    """Whether the database and its sidecars are, by stat, the files that `known` names."""
    try:
        now = {path.name: fingerprint for path, fingerprint in members(database).items()}
    except OSError:
        return False
    before = {name: known[name] for name in _family(database.name) if name in known}
    return now == before


def _family(name: str) -> tuple[str, ...]:
    return (name, *(name + suffix for suffix in SIDECARS_OF["duckdb"]))


def size_of(database: Path) -> int:
    """Bytes of the database and its sidecars; 0 where it cannot be looked at."""
    try:
        return sum(fingerprint.size for fingerprint in members(database).values())
    except OSError:
        return 0


def unusable(database: Path) -> Skipped | None:
    """Why the file is not a DuckDB database; None where it is one, encrypted or not."""
    name = database.name
    if not database.is_file():
        return Skipped(name, "unreadable", f"{name} is not a file")
    with database.open("rb") as file:
        head = file.read(MAGIC_OFFSET + len(MAGIC))
    if not head:
        return Skipped(name, "empty", f"{name} is empty (0 bytes)")
    if head[MAGIC_OFFSET:] != MAGIC:
        return Skipped(name, "not-duckdb", f"{name} is not a DuckDB database")
    return None
