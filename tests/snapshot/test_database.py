"""A live database: what it is, by its bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.snapshot import LiveDatabase


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"DUCK", "not-a-database"),
        (b"not a database at all, just text", "not-a-database"),
        (b"\0" * 8 + b"DUCK", None),
        (b"SQLite format 3\0", None),
    ],
)
def test_a_database_is_told_by_its_first_bytes(
    tmp_path: Path, content: bytes, reason: str | None
) -> None:
    path = tmp_path / "reflection.duckdb"
    path.write_bytes(content)
    problem = LiveDatabase(path).unusable()
    assert (problem.reason if problem else None) == reason


def test_anything_but_a_file_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    for path in (tmp_path, tmp_path / "pipe.db"):
        problem = LiveDatabase(path).unusable()
        assert problem is not None
        assert problem.reason == "unreadable"


def test_the_fingerprints_of_a_database_are_those_of_its_kinds_sidecars(tmp_path: Path) -> None:
    for name in ("a.db", "b.db"):
        for suffix in ("", ".wal", "-wal", "-journal", "-shm"):
            (tmp_path / (name + suffix)).write_bytes(b"x")
    (tmp_path / "a.db").write_bytes(b"\0" * 8 + b"DUCK")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0")
    assert list(LiveDatabase(tmp_path / "a.db").fingerprints()) == ["a.db", "a.db.wal"]
    assert list(LiveDatabase(tmp_path / "b.db").fingerprints()) == [
        "b.db",
        "b.db-wal",
        "b.db-journal",
    ]
