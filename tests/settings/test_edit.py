from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import SettingsError
from akosha_hook.settings.edit import set_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "config.toml"


def edited(path: Path, before: str, name: str, value: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(before.encode())
    set_key(path, name, value)
    return path.read_bytes().decode()


def test_a_missing_file_is_made_private(path: Path) -> None:
    set_key(path, "akosha_cloud_bucket", "memories")
    assert path.read_text() == 'akosha_cloud_bucket = "memories"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1\n", "a = 2\n"),
        ("# one\na = 1\n# two\nb = 1 # three\n", "# one\na = 2\n# two\nb = 1 # three\n"),
        ("a = 1   # why\n", "a = 2   # why\n"),
        ('a = "x # y" # why\n', "a = 2 # why\n"),
        ("a=1", "a = 2"),
        ('"a" = 1\nb = 3', "a = 2\nb = 3"),
        ("a = [\n  1, # one\n  2,\n] # list\nb = 1\n", "a = 2 # list\nb = 1\n"),
        ('a = """\nb = 1\n"""\nb = 2\n', "a = 2\nb = 2\n"),
        ('b = """\na = 1\n"""\na = 1\n', 'b = """\na = 1\n"""\na = 2\n'),
        ("[t]\na = 1\n", "a = 2\n[t]\na = 1\n"),
        ("b = 1\n", "b = 1\na = 2\n"),
        ("b = 1", "b = 1\na = 2\n"),
        ("# a = 5\n\n# b = 1\n", "# a = 5\na = 2\n\n# b = 1\n"),
        ("x = 1\r\na = 1 # why\r\ny = 1\r\n", "x = 1\r\na = 2 # why\r\ny = 1\r\n"),
        ("x = 1\r\na = 1\r\n", "x = 1\r\na = 2\r\n"),
        ("x = 1\r\n", "x = 1\r\na = 2\r\n"),
        ("[t]\n# a = 1\n", "a = 2\n[t]\n# a = 1\n"),
    ],
)
def test_the_one_line_changes_and_everything_around_it_stays(
    path: Path, before: str, after: str
) -> None:
    assert edited(path, before, "a", 2) == after


def test_a_list_is_written_over_several_lines_and_replaced_again(path: Path) -> None:
    edited(path, "# top\n", "akosha_databases", ["a.duckdb", "b.duckdb"])
    set_key(path, "akosha_databases", ["c.duckdb"])
    assert path.read_text() == '# top\nakosha_databases = [\n    "c.duckdb",\n]\n'


def test_a_broken_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("a = \n")
    with pytest.raises(SettingsError, match=rf"{path}:1: is not valid TOML.*nothing was written"):
        set_key(path, "a", 2)
    assert path.read_text() == "a = \n"


def test_a_value_that_cannot_be_replaced_safely_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("a.b = 1\n")
    with pytest.raises(SettingsError, match="nothing was written") as caught:
        set_key(path, "a", 2)
    assert "a = 2" in caught.value.hint
    assert path.read_text() == "a.b = 1\n"


def test_a_link_and_the_mode_of_its_file_are_kept(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("a = 1\n")
    real.chmod(0o644)
    path.parent.mkdir()
    path.symlink_to(real)
    set_key(path, "a", 2)
    assert path.is_symlink()
    assert real.read_text() == "a = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError):
        set_key(tmp_path / "file" / "config.toml", "a", 2)
