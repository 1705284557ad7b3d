"""The record says what to restore, however often and in whatever state we install."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.install import record
from akosha_hook.install.plan import Change, Content
from akosha_hook.install.record import Part, Record
from akosha_hook.paths import Paths

PART = Part(lambda data, original: data.replace(b"ours\n", b""))


def recorded(before: Content | None, after: Content, path: Path, known: Record) -> Record:
    change = Change(path, before, after, "part", "place")
    return record.with_changes(known, [change], lambda name, path: PART)


def test_what_was_there_before_the_first_install_is_kept(tmp_path: Path) -> None:
    first, second = Content(b"theirs\n", 0o644), Content(b"theirs\nours\n", 0o644)
    known = recorded(first, second, tmp_path / "x", Record())
    known = recorded(second, second, tmp_path / "x", known)
    [entry] = known.entries
    assert entry.before == first
    (tmp_path / "x").write_bytes(second.data)
    assert record.undo(entry, PART).after == first


def test_what_was_added_since_stays(tmp_path: Path) -> None:
    first, second = Content(b"theirs\n", 0o644), Content(b"theirs\nours\n", 0o644)
    [entry] = recorded(first, second, tmp_path / "x", Record()).entries
    (tmp_path / "x").write_bytes(b"theirs\nours\nmore\n")
    after = record.undo(entry, PART).after
    assert after is not None
    assert after.data == b"theirs\nmore\n"


def test_a_file_that_is_gone_needs_no_change(tmp_path: Path) -> None:
    [entry] = recorded(None, Content(b"ours\n", 0o600), tmp_path / "x", Record()).entries
    assert not record.undo(entry, PART).writes


def test_an_empty_record_leaves_no_file(paths: Paths) -> None:
    known = recorded(None, Content(b"ours\n", 0o600), Path("/x"), Record())
    record.save(paths, known)
    assert record.load(paths) == known
    record.save(paths, Record())
    assert not paths.install.exists()
    assert record.load(paths) == Record()
