"""The directory that a restore writes to: created with its parents, and gone where nothing came."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore.directory import created


def refuse(directory: Path, *, leaving: str = "") -> None:
    """A restore into `directory` that is interrupted when it has put `leaving` there."""

    def interrupted() -> None:
        with created(directory):
            assert directory.is_dir()
            if leaving:
                (directory / leaving).touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_what_was_created_stays_where_the_block_ends_well(tmp_path: Path) -> None:
    with created(tmp_path / "a" / "b"):
        pass
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_an_empty_directory_goes_with_the_parents_that_were_created(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    refuse(tmp_path / "there" / "a" / "b")
    assert list((tmp_path / "there").iterdir()) == []


def test_a_directory_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    refuse(tmp_path / "there")
    assert (tmp_path / "there").is_dir()


def test_a_directory_that_holds_something_stays_with_its_parents(tmp_path: Path) -> None:
    refuse(tmp_path / "a" / "b", leaving="kept")
    assert (tmp_path / "a" / "b" / "kept").exists()


def test_what_cannot_be_created_is_an_error_and_leaves_no_parents(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for directory in (file, file / "below", tmp_path / "a" / ("x" * 300)):
        with pytest.raises(AkoshaHookError, match="cannot be made"), created(directory):
            raise AssertionError
    assert file.is_file()
    assert not (tmp_path / "a").exists()
