"""What a snapshot holds is listed beside it, so that an upload can be continued."""

from __future__ import annotations

import hashlib
from pathlib import Path

from akosha_hook import snapshot
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.paths import Paths
from akosha_hook.snapshot import Snapshot, reopen, take
from akosha_hook.snapshot.index import INDEX
from akosha_hook.util import files

PATTERNS = ("reflection.duckdb", "knowledge_graph*.duckdb")


def frozen(data: Path, tmp_path: Path, name: str = "frozen") -> Snapshot:
    return take(data, PATTERNS, tmp_path / name)


def test_a_finished_snapshot_can_be_reopened_and_a_damaged_one_cannot(
    data: Path, tmp_path: Path
) -> None:
    taken = frozen(data, tmp_path)
    again = reopen(taken.directory)
    assert again is not None
    assert again.databases == taken.databases
    assert again.databases[0].file.blocks
    with (taken.directory / "reflection.duckdb").open("r+b") as file:
        file.seek(20_000)
        file.write(b"\0\1\2\3")
    assert reopen(taken.directory) is None


def test_an_unfinished_snapshot_cannot_be_reopened(tmp_path: Path) -> None:
    make_reflection_database(tmp_path / "reflection.duckdb", conversations=1, reflections=0)
    assert reopen(tmp_path) is None


def test_a_frozen_snapshot_names_no_file_but_its_own(paths: Paths, tmp_path: Path) -> None:
    """What it names is uploaded when an interrupted upload is continued."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    directory = paths.snapshots / "1"
    directory.mkdir(parents=True)
    digest = hashlib.sha256(b"precious").hexdigest()
    for name, path in (("victim", victim), ("../../../victim", directory / "../../../victim")):
        file = snapshot.SnapshotFile(name, path, 8, digest, None)
        files.write_json(directory / INDEX, [snapshot.Database(name, file)])
        assert snapshot.reopen(directory) is None
