"""Files of sets go back one by one: nothing newer is replaced, nothing is written elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.format import tar
from akosha_hook.format.tar import Entry
from akosha_hook.restore import sets
from akosha_hook.restore.sets import TEMPORARY, SetResult, compare, problem_of, put_back
from akosha_hook.snapshot import tree
from akosha_hook.snapshot.sets import FileSet
from akosha_hook.util import temporary

OLD, NOW, NEW = (seconds * 10**9 + 7 for seconds in (1_600_000_000, 1_700_000_000, 1_750_000_000))


def archive(path: Path, **files: str) -> Path:
    """A tar of these files, all of NOW; `__` in a name stands for a slash."""
    names = {name.replace("__", "/"): text.encode() for name, text in files.items()}
    whole = b""
    for name in sorted(names, key=lambda each: each.split("/")):
        whole += tar.header(Entry(name, len(names[name]), NOW, 0o4755), len(whole))
        whole += names[name] + tar.padding(len(names[name]))
    path.write_bytes(whole + tar.END)
    return path


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return archive(tmp_path / "set.tar", sessions__s1__state="one", handoffs__h="two")


@pytest.fixture
def files(tmp_path: Path) -> FileSet:
    return FileSet("session-files", tmp_path / "data")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def put(path: Path, text: str, mtime_ns: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def counts(result: SetResult) -> tuple[int, int, list[str], list[str]]:
    return result.put_back, result.same, result.newer, result.blocked


def restored(stored: Path, files: FileSet, kept: Path, *, force: bool = False) -> SetResult:
    """`put_back`, after `compare` has said the same."""
    before = compare(stored, files, force=force)
    result = put_back(stored, files, kept, force=force)
    assert result == before
    return result


def test_what_is_missing_is_put_back(stored: Path, files: FileSet, kept: Path) -> None:
    assert counts(restored(stored, files, kept)) == (2, 0, [], [])
    path = files.root / "sessions/s1/state"
    assert (path.read_text(), path.stat().st_mtime_ns) == ("one", NOW)
    assert not kept.exists()


def test_what_is_put_back_is_private(stored: Path, files: FileSet, kept: Path) -> None:
    restored(stored, files, kept)
    for path in files.root.rglob("*"):
        # As executable as it was, and no more than that.
        assert path.stat().st_mode & 0o7777 == 0o700


def test_putting_back_twice_changes_nothing(stored: Path, files: FileSet, kept: Path) -> None:
    restored(stored, files, kept)
    inode = (files.root / "handoffs/h").stat().st_ino
    assert counts(restored(stored, files, kept)) == (0, 2, [], [])
    assert (files.root / "handoffs/h").stat().st_ino == inode
    assert not kept.exists()


def test_an_older_file_is_replaced_and_kept(stored: Path, files: FileSet, kept: Path) -> None:
    here = put(files.root / "handoffs/h", "older", OLD)
    here.chmod(0o640)
    assert counts(restored(stored, files, kept)) == (2, 0, [], [])
    assert (here.read_text(), here.stat().st_mode & 0o777) == ("two", 0o640)
    aside = kept / "session-files/handoffs/h"
    assert (aside.read_text(), aside.stat().st_mtime_ns) == ("older", OLD)


def test_a_newer_file_stays_but_for_force(stored: Path, files: FileSet, kept: Path) -> None:
    here = put(files.root / "handoffs/h", "newer", NEW)
    assert counts(restored(stored, files, kept)) == (1, 0, ["handoffs/h"], [])
    assert here.read_text() == "newer"
    assert counts(restored(stored, files, kept, force=True)) == (1, 1, [], [])
    assert here.read_text() == "two"
    assert (kept / "session-files/handoffs/h").read_text() == "newer"


def test_a_newer_file_that_is_the_same_is_no_news(stored: Path, files: FileSet, kept: Path) -> None:
    put(files.root / "handoffs/h", "two", NEW)
    assert counts(restored(stored, files, kept)) == (1, 1, [], [])


def test_files_that_are_not_in_the_set_stay(stored: Path, files: FileSet, kept: Path) -> None:
    other = put(files.root / "sessions/s2/state", "other", NEW)
    restored(stored, files, kept, force=True)
    assert other.read_text() == "other"


def test_nothing_is_written_through_a_link(
    stored: Path, files: FileSet, kept: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "s1").mkdir(parents=True)
    files.root.mkdir()
    (files.root / "sessions").symlink_to(elsewhere)
    (files.root / "handoffs").mkdir()
    (files.root / "handoffs/h").symlink_to(put(tmp_path / "target", "as it was", OLD))
    result = restored(stored, files, kept, force=True)
    assert counts(result) == (0, 0, [], ["handoffs/h", "sessions/s1/state"])
    assert list((elsewhere / "s1").iterdir()) == []
    assert (tmp_path / "target").read_text() == "as it was"
    assert "handoffs/h was not put back" in result.notes[0]


@pytest.mark.parametrize("kind", ["pipe", "folder", "file on the way"])
def test_something_else_in_the_place_stays(
    stored: Path, files: FileSet, kept: Path, kind: str
) -> None:
    place = files.root / "sessions/s1/state"
    place.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.parent.rmdir()
        place.parent.write_text("a file")
    assert counts(restored(stored, files, kept, force=True)) == (1, 0, [], ["sessions/s1/state"])


def test_a_restore_that_was_killed_is_repeated(
    stored: Path, files: FileSet, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(files.root / "handoffs/h", "older", OLD)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", lambda *_, **__: os._exit(9))
        if (child := os.fork()) == 0:
            put_back(stored, files, kept, force=False)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = files.root / "handoffs" / TEMPORARY
    assert left.exists()
    assert temporary.is_temporary(TEMPORARY)
    assert [each.name for each in tree.listing(files).members] == ["handoffs/h"]
    assert (files.root / "handoffs/h").read_text() == "older"
    # What was kept then is there already.
    assert counts(restored(stored, files, kept.with_name("again"))) == (2, 0, [], [])
    assert not left.exists()


def test_a_full_disk_leaves_whole_files(
    stored: Path, files: FileSet, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    put(files.root / "sessions/s1/state", "newer", NEW)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            put_back(stored, files, kept, force=False)
    assert [each.name for each in files.root.rglob("*") if each.is_file()] == ["state"]


@pytest.mark.parametrize(
    ("name", "member", "problem"),
    [
        ("session-files", "sessions__s1", ""),
        ("session-files", "settings.json", "settings.json in it is no file of session-files"),
        ("session-files", "reflection.duckdb", "is no file of session-files"),
        ("claude-memory", "CLAUDE.md", ""),
        ("claude-memory", "settings.json", "is no file of claude-memory"),
        ("claude-memory", "projects__p__.claude__settings.json", "is no file of claude-memory"),
        ("claude-transcripts", "projects__p__s.jsonl", ""),
        ("claude-transcripts", "hooks__x.sh", "is no file of claude-transcripts"),
    ],
)
def test_a_tar_has_files_of_its_set_only(
    tmp_path: Path, name: str, member: str, problem: str
) -> None:
    found = problem_of(archive(tmp_path / "set.tar", **{member: "x"}), name)
    assert found.endswith(problem)
    assert bool(found) is bool(problem)


def test_a_tar_that_cannot_be_read_is_a_problem(tmp_path: Path, stored: Path) -> None:
    stored.write_bytes(stored.read_bytes()[:-1] + b"x")
    assert problem_of(stored, "session-files") == "The tar does not end as it should"


def test_many_that_are_blocked_are_named_up_to_a_bound(tmp_path: Path) -> None:
    result = SetResult("session-files", tmp_path, blocked=[f"sessions/{n}" for n in range(1000)])
    assert len(result.notes) == sets.NAMED + 1
    assert result.notes[-1] == "session-files: the same is so of 995 more"
