"""Which files a set has: by stat alone, without following a link or waiting for a pipe."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from akosha_hook.snapshot import tree
from akosha_hook.snapshot.sets import FileSet
from akosha_hook.snapshot.tree import LeftOut, Member
from tests.support.sets import session_files, write


def names(files: FileSet) -> list[str]:
    return [each.name for each in tree.listing(files).members]


def left_out(files: FileSet) -> dict[str, str]:
    return {each.name: each.why for each in tree.listing(files).left_out}


def test_members_are_sorted_whatever_the_order_on_disk(tmp_path: Path) -> None:
    write(tmp_path, sessions__b="", sessions__a__z="", sessions__a__b="", handoffs__x="", other="")
    found = names(FileSet("session-files", tmp_path))
    assert found == ["handoffs/x", "sessions/a/b", "sessions/a/z", "sessions/b"]


def test_a_set_without_a_folder_is_empty(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "missing"):
        found = tree.listing(FileSet("session-files", root))
        assert not found.members
        assert not found.left_out
        assert not found.has_something


def test_links_pipes_and_sockets_are_named_and_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = session_files(tmp_path)
    (tmp_path / "sessions/root").symlink_to("/")
    (tmp_path / "sessions/file").symlink_to("/etc/passwd")
    (tmp_path / "checkpoints").symlink_to(tmp_path / "sessions")
    os.mkfifo(tmp_path / "sessions/pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("sessions/socket")
        found = left_out(files)
    assert names(files) == ["handoffs/h", "sessions/s1/state"]
    assert found == {
        "checkpoints": "it is a symbolic link",
        "sessions/file": "it is a symbolic link",
        "sessions/root": "it is a symbolic link",
        "sessions/pipe": "it is a pipe, a socket or a device",
        "sessions/socket": "it is a pipe, a socket or a device",
    }


def test_a_link_that_can_hold_nothing_of_the_set_is_no_news(tmp_path: Path) -> None:
    write(tmp_path, projects__p__memory__m="x")
    (tmp_path / "plugins").symlink_to("/")
    assert left_out(FileSet("claude-memory", tmp_path)) == {}


def test_names_that_no_tar_can_hold_are_named(tmp_path: Path) -> None:
    files = session_files(tmp_path)
    (tmp_path / "sessions/a\nb").touch()
    (Path(os.fsdecode(bytes(tmp_path / "sessions") + b"/caf\xe9"))).touch()
    assert names(files) == ["handoffs/h", "sessions/s1/state"]
    lines = tree.notes(files, tree.listing(files).left_out)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_temporary_files_of_ours_belong_to_no_set(tmp_path: Path) -> None:
    files = session_files(tmp_path)
    (tmp_path / "sessions/.state.123.0123abcd.tmp").touch()
    assert len(names(files)) == 2


def test_what_lies_too_deep_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_DEPTH", 3)
    write(tmp_path, sessions__a__b__c__d="x", sessions__a__b__c2="y")
    assert left_out(FileSet("session-files", tmp_path)) == {"sessions/a/b/c": "it lies too deep"}


def test_more_files_than_a_tar_may_have_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MAX_MEMBERS", 1)
    files = session_files(tmp_path)
    assert names(files) == ["handoffs/h"]
    assert left_out(files) == {"The last 1": "the set has more than 1 files"}


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = session_files(tmp_path)
    listed = os.listdir

    def denied(path: int) -> list[str]:
        found = listed(path)
        if "state" in found:
            raise PermissionError(13, "Permission denied")
        return found

    monkeypatch.setattr(os, "listdir", denied)
    found = tree.listing(files)
    assert [each.name for each in found.members] == ["handoffs/h"]
    assert found.left_out == [LeftOut("sessions/s1", "permission denied", failed=True)]


def test_the_fingerprint_follows_every_change(tmp_path: Path) -> None:
    files = session_files(tmp_path)

    def now() -> object:
        return tree.fingerprint(tree.listing(files).members)

    path, seen = tmp_path / "handoffs/h", [now()]
    assert now() == seen[0]
    for change in (
        lambda: write(tmp_path, handoffs__h="longer"),
        lambda: os.utime(path, ns=(1, 1)),
        lambda: path.chmod(0o640),
        lambda: path.rename(path.with_name("i")),
        lambda: write(tmp_path, sessions__new=""),
        (tmp_path / "sessions/new").unlink,
    ):
        change()
        assert now() not in seen[-1:]
        seen.append(now())


def test_a_fingerprint_fits_where_an_inode_does(tmp_path: Path) -> None:
    members = [Member.of(f"m{n}", tmp_path.stat()) for n in range(50)]
    prints = {tree.fingerprint(members[:n]).inode for n in range(50)}
    assert len(prints) == 50
    assert all(0 <= each < 2**63 for each in prints)


def test_what_is_left_out_is_named_up_to_a_bound(tmp_path: Path) -> None:
    files = FileSet("session-files", tmp_path)
    many = [LeftOut(f"sessions/{n}", "it is a symbolic link") for n in range(1000)]
    lines = tree.notes(files, many)
    assert lines[0] == "session-files: sessions/0 is not backed up: it is a symbolic link"
    assert lines[-1] == "session-files: 995 more are not backed up"
    assert len(lines) == tree.NAMED + 1
