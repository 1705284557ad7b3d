"""What is said of databases that an upload has only an earlier copy of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from akosha_hook.format.manifest import StoredFile

_REASONS = {
    "missing": "it was missing",
    "excluded": "akosha_databases did not include it",
    "empty": "it was empty",
    "busy": "it was in use",
    "unreadable": "it could not be read",
    "damaged": "it was damaged",
    "not-a-database": "it was not a database",
    # What 0.1.0 wrote.
    "not-duckdb": "it was not a DuckDB database",
}
_OF_SETS = {"excluded": "akosha_include did not include it", "empty": "it had no files"}


def stale_notes(files: Iterable[StoredFile]) -> tuple[str, ...]:
    """A note for each database that is older than its upload."""
    return tuple(
        f"{each.name} is as of {minute(each.stale.as_of)}: "
        f"{_why(each, each.stale.reason)} when this upload was made, since "
        f"{minute(each.stale.since)}."
        for each in files
        if each.stale and each.name == each.database
    )


def _why(file: StoredFile, reason: str) -> str:
    if file.kind == "files" and reason in _OF_SETS:
        return _OF_SETS[reason]
    return _REASONS.get(reason, f"it was left out ({reason})")
