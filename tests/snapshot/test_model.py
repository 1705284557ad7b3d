"""What stat proves of a file, and what it does not."""

from __future__ import annotations

from pathlib import Path

from akosha_hook import snapshot


def test_a_young_fingerprint_proves_nothing_and_is_not_kept() -> None:
    now = 1_000_000_000_000_000_123
    old = snapshot.Fingerprint(1, now - 60_000_000, now - 60_000_000, 1)
    young = snapshot.Fingerprint(1, now - 40_000_000, now - 60_000_000, 1)
    coarse = snapshot.Fingerprint(1, now - now % 10**9, now - now % 10**9 - 10**9, 1)
    assert old.settled(now)
    assert not young.settled(now)
    assert not coarse.settled(now)


def test_a_fingerprint_is_what_stat_says(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"four")
    status = path.stat()
    fingerprint = snapshot.Fingerprint.of(status)
    assert fingerprint.size == 4
    assert (fingerprint.mtime_ns, fingerprint.ctime_ns) == (status.st_mtime_ns, status.st_ctime_ns)
    assert fingerprint.inode == status.st_ino
    path.replace(tmp_path / "moved")
    path.write_bytes(b"four")
    assert snapshot.Fingerprint.of(path.stat()) != fingerprint


def test_the_files_of_a_database_begin_with_itself() -> None:
    own, log = (
        snapshot.SnapshotFile(name, Path(name), 1, "0" * 64, None) for name in ("a", "a.wal")
    )
    assert snapshot.Database("a", own, (log,)).files == (own, log)
