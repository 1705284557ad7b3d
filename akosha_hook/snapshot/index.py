"""The list of what a snapshot holds, so that an upload can be continued after it was killed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.snapshot.copy import hash_again
from akosha_hook.snapshot.model import Database, Snapshot, SnapshotFile
from akosha_hook.util import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INDEX = "snapshot.json"


def write_index(directory: Path, databases: Iterable[Database]) -> None:
    """Say what the snapshot holds, without the block hashes: 4 MB for a gigabyte, and cheap to redo."""
    files.write_json(directory / INDEX, [_with_blocks(each, {}) for each in databases])


def _with_blocks(database: Database, blocks: Mapping[str, bytes]) -> Database:
    def changed(file: SnapshotFile) -> SnapshotFile:
        return msgspec.structs.replace(file, blocks=blocks.get(file.name, b""))

    return msgspec.structs.replace(
        database,
        file=changed(database.file),
        sidecars=tuple(changed(each) for each in database.sidecars),
    )


def reopen(directory: Path) -> Snapshot | None:
    """The snapshot a killed run left complete in `directory`; None where it did not finish."""
    databases = files.read_json(directory / INDEX, tuple[Database, ...])
    if not databases:
        return None
    # The copies were not fsynced, so a power cut may have left holes: only the hash tells.
    frozen = [each for database in databases for each in database.files]
    if any(each.path != directory / Path(each.name).name for each in frozen):
        return None
    try:
        copies = {each.name: hash_again(each.path) for each in frozen}
    except OSError:
        return None
    if any(copies[each.name].sha256 != each.sha256 for each in frozen):
        return None
    blocks = {name: copied.blocks for name, copied in copies.items()}
    return Snapshot(directory, tuple(_with_blocks(each, blocks) for each in databases))


def merged(first: Snapshot, second: Snapshot) -> Snapshot:
    """Both snapshots, taken into the same directory, as one."""
    fresh = {each.name for each in second.databases}
    databases = (
        *(each for each in first.databases if each.name not in fresh),
        *second.databases,
    )
    if databases:
        write_index(first.directory, databases)
    return Snapshot(first.directory, databases, first.unchanged, (*first.skipped, *second.skipped))
