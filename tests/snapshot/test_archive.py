"""Freezing a set while its files grow, shrink, vanish and are written."""

from __future__ import annotations

import os
import tarfile
import time
from pathlib import Path

import pytest

from akosha_hook.paths import Paths
from akosha_hook.settings import Settings
from akosha_hook.snapshot import Database, Skipped, archive, is_known, reopen, size_of, take, tree
from akosha_hook.snapshot.archive import LiveSet
from akosha_hook.snapshot.copy import hash_file
from akosha_hook.snapshot.sets import FileSet
from tests.support.sets import meanwhile, session_files, write

LARGE = 3 * archive.SMALL_BYTES


@pytest.fixture
def files(tmp_path: Path) -> FileSet:
    return session_files(tmp_path / "data")


@pytest.fixture(autouse=True)
def piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test does meanwhile is done after the first piece."""
    monkeypatch.setattr(archive, "BATCH_BYTES", 1)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    directory = tmp_path / "frozen"
    directory.mkdir()
    return directory


def live(files: FileSet) -> LiveSet:
    return LiveSet(files, tree.listing(files))


def frozen(files: FileSet, into: Path, on_read: archive.OnRead = None) -> Database:
    made = live(files).freeze(into, on_read)
    assert isinstance(made, Database)
    assert made.file.path == into / files.item
    assert made.file.size == made.file.path.stat().st_size
    assert made.file.sha256 == hash_file(made.file.path)
    return made


def content(made: Database) -> dict[str, bytes]:
    found = {}
    with tarfile.open(made.file.path) as opened:
        for each in opened:
            file = opened.extractfile(each)
            assert file is not None
            found[each.name] = file.read()
    assert len(found) == made.members
    return found


def test_a_set_is_one_tar(files: FileSet, into: Path) -> None:
    made = frozen(files, into)
    assert (made.name, made.kind, made.sidecars) == ("session-files.tar", "files", ())
    assert content(made) == {"handoffs/h": b"two", "sessions/s1/state": b"one"}
    assert made.file.path.stat().st_mode & 0o777 == 0o600
    assert size_of(live(files)) == made.file.size


def test_pieces_are_gathered(files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BATCH_BYTES", 256 * 1024)
    calls: list[None] = []
    made = frozen(files, into, lambda: calls.append(None))
    assert (len(calls), content(made)["handoffs/h"]) == (1, b"two")


def test_the_same_files_give_the_same_tar(files: FileSet, into: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    before = frozen(files, into)
    # Who read a file last is no part of it.
    os.utime(files.root / "handoffs/h", ns=(1, (files.root / "handoffs/h").stat().st_mtime_ns))
    assert frozen(files, other).file.sha256 == before.file.sha256


def test_a_set_that_did_not_change_is_known(files: FileSet, into: Path) -> None:
    print_ = frozen(files, into).file.fingerprint
    assert print_ is not None
    known = {files.item: print_}
    assert is_known(live(files), known)
    assert not is_known(live(files), {})
    write(files.root, sessions__s2__state="three")
    assert not is_known(live(files), known)


def test_a_file_too_young_to_prove_anything_is_waited_for(files: FileSet, into: Path) -> None:
    write(files.root, sessions__s2__state="just written")
    assert frozen(files, into).file.fingerprint is not None


def test_a_file_written_meanwhile_leaves_no_fingerprint(files: FileSet, into: Path) -> None:
    write(files.root, sessions__s0="later, by the tar's order, than handoffs")
    touch = meanwhile(lambda: write(files.root, sessions__s1__state="new"))
    assert frozen(files, into, touch).file.fingerprint is None


def test_a_file_ahead_of_the_clock_is_not_waited_for_and_proves_nothing(
    files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = time.time_ns() + 10**13
    os.utime(files.root / "handoffs/h", ns=(ahead, ahead))
    for path in (files.root / "sessions/s1/state",):
        os.utime(path, ns=(1, 1))
    while not tree.listing(files).members[1].fingerprint.settled(time.time_ns()):
        time.sleep(0.01)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waited"))
    made = frozen(files, into)
    assert made.file.fingerprint is None
    assert content(made)["handoffs/h"] == b"two"


def test_a_file_that_grows_is_taken_as_far_as_it_was(files: FileSet, into: Path) -> None:
    path = files.root / "sessions/long"
    path.write_bytes(b"a" * LARGE)

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"b" * 1000)

    made = frozen(files, into, meanwhile(grow, once=False))
    assert set(content(made)["sessions/long"][:LARGE]) == {ord("a")}
    # Later than the last look at what it had when it was opened, nothing of it counts.
    assert len(content(made)["sessions/long"]) < path.stat().st_size
    assert made.file.fingerprint is None


def test_a_small_file_is_read_until_it_is_at_rest(
    files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read, writes = files.root / "handoffs/h", os.pread, ["half", "whole and longer"]

    def torn(descriptor: int, count: int, offset: int) -> bytes:
        data = read(descriptor, count, offset)
        if data in {b"two", b"half"} and writes:
            path.write_text(writes.pop(0))
        return data

    monkeypatch.setattr(os, "pread", torn)
    assert content(frozen(files, into))["handoffs/h"] == b"whole and longer"


def test_a_file_that_vanishes_is_left_out(files: FileSet, into: Path) -> None:
    made = frozen(files, into, meanwhile((files.root / "sessions/s1/state").unlink))
    assert set(content(made)) == {"handoffs/h"}
    assert made.notes == ()


def test_a_file_that_shrinks_has_the_pass_begin_anew(files: FileSet, into: Path) -> None:
    path = files.root / "sessions/long"
    path.write_bytes(b"a" * LARGE)
    passes: list[int] = []

    def shrink() -> None:
        # The file's first piece is written: no more of it was read yet.
        if (into / files.item).stat().st_size > archive.SMALL_BYTES and not passes:
            passes.append(path.write_bytes(b"short"))

    made = frozen(files, into, shrink)
    assert passes
    assert content(made)["sessions/long"] == b"short"
    assert made.notes == ()


def test_a_file_that_keeps_shrinking_is_named_and_the_others_go(files: FileSet, into: Path) -> None:
    path = files.root / "sessions/long"
    path.write_bytes(b"a" * LARGE * 3)

    def shrink() -> None:
        if (into / files.item).stat().st_size > archive.SMALL_BYTES:
            os.truncate(path, path.stat().st_size - archive.SMALL_BYTES)

    made = frozen(files, into, shrink)
    assert set(content(made)) == {"handoffs/h", "sessions/s1/state"}
    (note,) = made.notes
    assert note.endswith("sessions/long is not backed up: it kept shrinking while it was read")


def test_it_ends_where_every_file_keeps_shrinking(
    files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SMALL_BYTES", -1)
    monkeypatch.setattr(archive, "PASSES", 3)
    for number in range(4):
        (files.root / f"sessions/a{number}").write_bytes(b"a" * 10)
    monkeypatch.setattr(os, "read", lambda *_: b"")
    outcome = live(files).freeze(into, None)
    assert isinstance(outcome, Skipped)
    assert (outcome.name, outcome.reason) == ("session-files.tar", "busy")
    assert not list(into.iterdir())


def unreadable(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Files of these names cannot be opened, even by root."""
    opened = os.open

    def denied(path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in names:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode, dir_fd=dir_fd)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", denied)


def test_an_unreadable_file_is_named_and_the_others_go(
    files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable(monkeypatch, "state")
    made = frozen(files, into)
    assert set(content(made)) == {"handoffs/h"}
    note = "session-files: sessions/s1/state is not backed up: permission denied"
    assert made.notes == (note,)
    # It is not read again for nothing at the next sync, but once it can be read.
    assert made.file.fingerprint is not None
    assert is_known(live(files), {files.item: made.file.fingerprint})
    (files.root / "sessions/s1/state").chmod(0o640)
    assert not is_known(live(files), {files.item: made.file.fingerprint})


def test_a_set_of_which_nothing_can_be_read_is_no_empty_tar(
    files: FileSet, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable(monkeypatch, "state", "h")
    outcome = live(files).freeze(into, None)
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "unreadable"
    assert "handoffs/h: permission denied" in outcome.message
    assert not list(into.iterdir())


def test_a_set_whose_files_go_meanwhile_is_no_empty_tar(files: FileSet, into: Path) -> None:
    seen = live(files)
    for path in (files.root / "handoffs/h", files.root / "sessions/s1/state"):
        path.unlink()
    outcome = seen.freeze(into, None)
    assert isinstance(outcome, Skipped)
    assert outcome.reason == "empty"
    assert not list(into.iterdir())


def test_a_file_that_becomes_a_link_or_a_pipe_is_not_followed(files: FileSet, into: Path) -> None:
    seen = frozen(files, into, meanwhile(lambda: _replace(files.root / "sessions/s1/state")))
    assert set(content(seen)) == {"handoffs/h"}


def _replace(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to("/etc")


def test_sets_that_are_not_there_are_no_items(paths: Paths) -> None:
    settings = Settings(akosha_include=("session-files", "claude-memory"))
    assert archive.live_sets(settings, paths) == ()
    paths.claude.mkdir(exist_ok=True)
    (paths.claude / "CLAUDE.md").write_text("be kind")
    assert [each.name for each in archive.live_sets(settings, paths)] == ["claude-memory.tar"]


def test_a_snapshot_has_sets_beside_databases(files: FileSet, tmp_path: Path) -> None:
    # Nobody's database is taken for a set.
    (files.root / files.item).write_bytes(b"SQLite format 3\0" + bytes(84))
    taken = take(files.root, ("*",), tmp_path / "snapshot", more=[live(files)])
    (made,) = taken.databases
    assert made.kind == "files"
    assert reopen(taken.directory) == taken
    print_ = made.file.fingerprint
    assert print_ is not None
    again = take(files.root, (), tmp_path / "again", more=[live(files)], known={files.item: print_})
    assert again.unchanged == (files.item,)
    assert not again.directory.exists()
