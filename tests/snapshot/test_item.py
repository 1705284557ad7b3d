"""Whether an item is known by its stat, and how large it is."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.snapshot import LiveDatabase, is_known, size_of


def test_a_database_is_known_while_none_of_its_files_came_went_or_changed(tmp_path: Path) -> None:
    path, log = tmp_path / "reflection.duckdb", tmp_path / "reflection.duckdb.wal"
    path.write_bytes(b"\0" * 8 + b"DUCK")
    log.write_bytes(b"y")
    database = LiveDatabase(path)
    known = database.fingerprints()
    assert is_known(database, known)
    assert is_known(database, {**known, "other.duckdb": known[database.name]})
    assert not is_known(database, {database.name: known[database.name]})
    log.unlink()
    assert not is_known(database, known)
    path.unlink()
    assert not is_known(database, known)


def test_its_size_is_that_of_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.duckdb").write_bytes(b"\0" * 8 + b"DUCK")
    (tmp_path / "a.duckdb.wal").write_bytes(b"123")
    assert size_of(LiveDatabase(tmp_path / "a.duckdb")) == 15
    assert size_of(LiveDatabase(tmp_path / "nothing.duckdb")) == 0
