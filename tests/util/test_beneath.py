"""What lies beneath a directory is opened, and nothing that a link beneath it leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.util.beneath import Beneath


def entries(descriptor: int) -> list[str]:
    return os.listdir(descriptor)


def test_files_and_folders_beneath_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c").write_text("here")
    with Beneath(tmp_path) as beneath:
        for _ in range(2):
            with os.fdopen(beneath.open(("a", "b", "c"))) as file:
                assert file.read() == "here"
        assert entries(beneath.directory(("a",))) == ["b"]
        with pytest.raises(FileNotFoundError):
            beneath.open(("a", "x", "c"))
        assert "a" in entries(beneath.directory(()))


def test_no_link_is_followed_but_to_the_directory_itself(tmp_path: Path) -> None:
    real, elsewhere = tmp_path / "real", tmp_path / "elsewhere"
    real.mkdir()
    elsewhere.mkdir()
    (elsewhere / "file").write_text("not this")
    (real / "folder").symlink_to(elsewhere)
    (real / "file").symlink_to(elsewhere / "file")
    (tmp_path / "link").symlink_to(real)
    with Beneath(tmp_path / "link") as beneath:
        for parts in (("folder", "file"), ("file",)):
            with pytest.raises(OSError):  # noqa: PT011 - ELOOP or ENOTDIR, by the system
                beneath.open(parts)
        with pytest.raises(OSError):  # noqa: PT011
            beneath.directory(("folder", "new"), create=True)
    assert [each.name for each in elsewhere.iterdir()] == ["file"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with Beneath(tmp_path) as beneath:
        os.close(beneath.open(("pipe",)))


def test_missing_folders_are_made_private(tmp_path: Path) -> None:
    with Beneath(tmp_path) as beneath:
        beneath.directory(("a", "b"), create=True)
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    before = os.open(tmp_path, os.O_RDONLY)
    os.close(before)
    for _ in range(3):
        with Beneath(tmp_path) as beneath:
            beneath.directory(("a", "b"))
            beneath.directory(("a",))
            with pytest.raises(FileNotFoundError):
                beneath.directory(("a", "x", "y"))
    after = os.open(tmp_path, os.O_RDONLY)
    os.close(after)
    assert after == before
