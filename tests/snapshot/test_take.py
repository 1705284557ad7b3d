"""A consistent copy of live databases, taken beside writers that never pause."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from akosha_hook.errors import AkoshaHookError
from akosha_hook.format.manifest import SIDECARS_OF
from akosha_hook.snapshot import Snapshot, take
from akosha_hook.snapshot import copy as copying
from akosha_hook.snapshot import database as live
from akosha_hook.snapshot import duckdb as rules
from akosha_hook.snapshot.copy import hash_file
from tests.support.writer import Writer

PATTERNS = ("reflection.duckdb", "knowledge_graph*.duckdb")


def rows(directory: Path, name: str = "reflection.duckdb") -> int:
    """Conversations in a copy that was put together elsewhere, with its sidecars replayed."""
    with duckdb.connect(str(directory / name)) as connection:
        counts = connection.execute("SELECT count(*), sum(length(content)) FROM conversations_v2")
        row = counts.fetchone()
    assert row is not None
    return int(row[0])


def frozen(data: Path, tmp_path: Path, name: str = "frozen") -> Snapshot:
    return take(data, PATTERNS, tmp_path / name)


def test_a_snapshot_is_the_same_bytes_with_their_hash(data: Path, tmp_path: Path) -> None:
    taken = frozen(data, tmp_path)
    assert [database.name for database in taken.databases] == [
        "reflection.duckdb",
        "knowledge_graph.duckdb",
    ]
    for database in taken.databases:
        assert database.file.path.read_bytes() == (data / database.name).read_bytes()
        assert database.file.sha256 == hash_file(data / database.name)
        assert database.sidecars == ()


def test_snapshots_are_private(data: Path, tmp_path: Path) -> None:
    taken = frozen(data, tmp_path)
    assert taken.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in taken.directory.iterdir()} == {0o600}


def test_rows_in_the_write_ahead_log_are_in_the_snapshot(data: Path, tmp_path: Path) -> None:
    with Writer(data / "reflection.duckdb") as writer:
        writer.insert(5)
        taken = frozen(data, tmp_path)
        assert [each.name for each in taken.databases[0].sidecars] == ["reflection.duckdb.wal"]
    assert rows(taken.directory) == 25


def test_a_writer_that_never_pauses_gives_a_snapshot_with_every_row_acknowledged_before(
    data: Path, tmp_path: Path
) -> None:
    with Writer(data / "reflection.duckdb") as writer:
        writer.start_inserting()
        for number in range(8):
            before = writer.acknowledged()
            taken = frozen(data, tmp_path, f"frozen-{number}")
            if any(each.reason == "busy" for each in taken.skipped):
                continue
            assert rows(taken.directory) >= 20 + before
        assert writer.stop_inserting() == []


def test_the_writer_keeps_its_lock_while_snapshots_are_taken(data: Path, tmp_path: Path) -> None:
    """Run here, in another process than the writer's: its lock has to hold against us after."""
    with Writer(data / "reflection.duckdb") as writer:
        frozen(data, tmp_path)
        writer.insert(3)
        with pytest.raises(duckdb.IOException, match="lock"):
            duckdb.connect(str(data / "reflection.duckdb"), read_only=True)
        writer.checkpoint()


def test_a_database_that_changes_during_every_copy_is_busy_and_the_others_go(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying.copy_and_hash

    def disturbed(source: Path, target: Path, size: int, **options: Any) -> copying.Copied:
        copied = real(source, target, size, **options)
        if source.name == "reflection.duckdb":
            source.write_bytes(source.read_bytes())
        return copied

    monkeypatch.setattr(live, "copy_and_hash", disturbed)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0)
    taken = frozen(data, tmp_path)
    assert [(each.name, each.reason) for each in taken.skipped] == [("reflection.duckdb", "busy")]
    assert [database.name for database in taken.databases] == ["knowledge_graph.duckdb"]


def test_whoever_watches_is_told_of_every_piece(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BUFFER_BYTES", 4096)
    told: list[None] = []
    taken = take(data, PATTERNS, tmp_path / "copy", on_read=lambda: told.append(None))
    sizes = [each.size for database in taken.databases for each in database.files]
    assert len(told) == sum(-(-size // 4096) for size in sizes)


@pytest.mark.parametrize("change", ["shrank", "was replaced", "went"])
def test_a_wal_that_did_more_than_grow_during_the_copy_is_not_trusted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """A checkpoint has started a new one: the copy may hold half of each."""
    wal = data / "reflection.duckdb.wal"
    wal.write_bytes(b"x" * 100)
    real = copying.copy_and_hash

    def disturbed(source: Path, target: Path, size: int, **options: Any) -> copying.Copied:
        copied = real(source, target, size, **options)
        if source == wal and change == "shrank":
            wal.write_bytes(b"x" * 10)
        elif source == wal and change == "was replaced":
            fresh = tmp_path / "fresh.wal"
            fresh.write_bytes(b"y" * 200)
            fresh.replace(wal)
        elif source == wal:
            wal.unlink()
        return copied

    monkeypatch.setattr(live, "copy_and_hash", disturbed)
    monkeypatch.setattr(rules, "attempts", 1)
    assert [each.reason for each in frozen(data, tmp_path).skipped] == ["busy"]


def test_a_wal_that_goes_before_it_is_read_has_the_copy_made_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = data / "reflection.duckdb.wal"
    wal.write_bytes(b"x" * 100)
    real = copying.copy_and_hash

    def disturbed(source: Path, target: Path, size: int, **options: Any) -> copying.Copied:
        if source == wal:
            wal.unlink()
        return real(source, target, size, **options)

    monkeypatch.setattr(live, "copy_and_hash", disturbed)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0)
    taken = frozen(data, tmp_path)
    assert taken.skipped == ()
    assert [each.name for database in taken.databases for each in database.files] == [
        "reflection.duckdb",
        "knowledge_graph.duckdb",
    ]


def test_a_file_too_young_to_be_told_apart_by_stat_gets_no_fingerprint(
    data: Path, tmp_path: Path
) -> None:
    """It may change again within the granularity of timestamps."""
    wal = data / "reflection.duckdb.wal"
    wal.write_bytes(b"x" * 100)
    ahead = wal.stat().st_mtime + 3600
    os.utime(wal, (ahead, ahead))
    database = next(
        each for each in frozen(data, tmp_path).databases if each.name == "reflection.duckdb"
    )
    assert database.file.fingerprint is not None
    assert [each.fingerprint for each in database.sidecars] == [None]


def test_every_kind_of_sidecar_is_copied(data: Path, tmp_path: Path) -> None:
    for suffix in SIDECARS_OF["duckdb"]:
        (data / f"reflection.duckdb{suffix}").write_bytes(suffix.encode())
    taken = frozen(data, tmp_path)
    assert [each.name for each in taken.databases[0].sidecars] == [
        f"reflection.duckdb{suffix}" for suffix in SIDECARS_OF["duckdb"]
    ]


def test_what_is_known_by_stat_is_not_read_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frozen(data, tmp_path)
    known = {
        each.name: each.fingerprint
        for database in first.databases
        for each in database.files
        if each.fingerprint
    }
    monkeypatch.setattr(live, "copy_and_hash", None)
    again = take(data, PATTERNS, tmp_path / "again", known=known)
    assert again.databases == ()
    assert again.unchanged == ("reflection.duckdb", "knowledge_graph.duckdb")
    assert not (tmp_path / "again").exists()


def test_a_new_sidecar_makes_a_known_database_changed(data: Path, tmp_path: Path) -> None:
    first = frozen(data, tmp_path)
    known = {
        database.name: database.file.fingerprint
        for database in first.databases
        if database.file.fingerprint
    }
    (data / "reflection.duckdb.wal").write_bytes(b"new rows")
    again = take(data, PATTERNS, tmp_path / "again", known=known)
    assert [database.name for database in again.databases] == ["reflection.duckdb"]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"not a database at all, just text", "not-a-database")]
)
def test_a_file_that_is_no_database_is_named_and_the_others_go(
    data: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    (data / "reflection.duckdb").write_bytes(content)
    taken = frozen(data, tmp_path)
    assert [(each.name, each.reason) for each in taken.skipped] == [("reflection.duckdb", reason)]
    assert [database.name for database in taken.databases] == ["knowledge_graph.duckdb"]


def test_a_directory_in_place_of_a_database_is_named(data: Path, tmp_path: Path) -> None:
    (data / "reflection.duckdb").unlink()
    (data / "reflection.duckdb").mkdir()
    assert [each.reason for each in frozen(data, tmp_path).skipped] == ["unreadable"]


def test_a_disk_without_room_is_said_before_anything_is_copied(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(AkoshaHookError, match="too full"):
        frozen(data, tmp_path)
