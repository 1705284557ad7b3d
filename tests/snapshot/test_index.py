"""What a snapshot holds is listed beside it, so that an upload can be continued."""

from __future__ import annotations

import hashlib
from pathlib import Path

from akosha_hook import snapshot
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.paths import Paths
from akosha_hook.snapshot import Snapshot, merged, reopen, take
from akosha_hook.snapshot.index import INDEX
from akosha_hook.util import files
from tests.support.duck import change

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


def test_two_snapshots_into_one_directory_are_one_that_can_be_reopened(
    data: Path, tmp_path: Path
) -> None:
    """What the bucket turned out to lack is added to what had changed."""
    first = take(data, ["reflection.duckdb"], tmp_path / "frozen")
    second = take(data, ["knowledge_graph.duckdb", "missing.duckdb"], tmp_path / "frozen")
    both = merged(first, second)
    assert [each.name for each in both.databases] == ["reflection.duckdb", "knowledge_graph.duckdb"]
    assert [each.name for each in both.skipped] == ["missing.duckdb"]
    again = reopen(tmp_path / "frozen")
    assert again is not None
    assert again.databases == both.databases


def test_of_a_database_in_both_the_second_copy_counts(data: Path, tmp_path: Path) -> None:
    first = take(data, ["reflection.duckdb"], tmp_path / "frozen")
    change(data / "reflection.duckdb", 1)
    second = take(data, ["reflection.duckdb"], tmp_path / "frozen")
    assert merged(first, second).databases == second.databases != first.databases
