"""Temporary files go once nobody can be writing them any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from akosha_hook.util.temporary import remove_abandoned, temporary_beside

DEAD = 2**22 - 3
HOUR = 3600


def left(directory: Path, name: str, *, age: float, pid: int = 1) -> Path:
    """What a writer killed `age` seconds ago left; init never ends, and is another user's."""
    path = directory / f".{name}.{pid}.0a0a0a0a.tmp"
    path.write_text("{")
    when = time.time() - age
    os.utime(path, (when, when))
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


@pytest.fixture
def of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process there is, also where the tests run as root."""

    def refuse(pid: int, _: int) -> None:
        raise (ProcessLookupError if pid == DEAD else PermissionError)

    monkeypatch.setattr(os, "kill", refuse)


@pytest.mark.usefixtures("of_another_user")
def test_a_temporary_file_goes_within_the_hour_whoever_has_its_pid_now(place: Path) -> None:
    old = left(place, "old.json", age=HOUR + 1)
    young = left(place, "young.json", age=HOUR - 60)
    dead = left(place, "dead.json", age=0, pid=DEAD)
    future = left(place, "future.json", age=-600)
    slightly = left(place, "slightly.json", age=-10)
    remove_abandoned(place)
    assert [each for each in (old, young, dead, future, slightly) if each.exists()] == [
        young,
        slightly,
    ]


def test_a_temporary_file_of_a_process_of_ours_is_held_to_the_same(place: Path) -> None:
    old = left(place, "old.json", age=HOUR + 1, pid=os.getpid())
    future = left(place, "future.json", age=-HOUR + 60, pid=os.getpid())
    young = left(place, "young.json", age=0, pid=os.getpid())
    remove_abandoned(place)
    assert list(place.iterdir()) == [young]
    assert not old.exists()
    assert not future.exists()


def test_in_a_directory_of_others_only_what_became_our_file_is_removed(place: Path) -> None:
    left(place, "settings.json", age=0, pid=DEAD)
    other = left(place, "other.json", age=0, pid=DEAD)
    remove_abandoned(place, "settings.json")
    assert list(place.iterdir()) == [other]


def test_other_temporary_files_are_left_alone(place: Path) -> None:
    names = {
        "x.json.tmp",
        ".x.tmp",
        f".x.json.{DEAD}.tmp",
        f"x.json.{DEAD}.0a0a0a0a.tmp",
        f".x.json.{DEAD}.0a0a0a0a.bak",
        ".x.json.letters.0a0a0a0a.tmp",
    }
    for name in names:
        (place / name).touch()
        os.utime(place / name, (0, 0))
    remove_abandoned(place)
    remove_abandoned(place / "missing")
    assert {each.name for each in place.iterdir()} == names


def test_a_name_for_a_temporary_file_is_one_that_is_removed_later(place: Path) -> None:
    path = temporary_beside(place / "x.y.json")
    path.symlink_to("nowhere")
    os.utime(path, (0, 0), follow_symlinks=False)
    remove_abandoned(place, "x.y.json")
    assert list(place.iterdir()) == []
