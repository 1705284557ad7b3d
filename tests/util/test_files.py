"""Files of ours replace whatever has their name, stay private, and are read within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akosha_hook.util import files


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_text("precious")
    path.chmod(0o644)
    return path


def test_a_link_is_replaced_and_what_it_leads_to_is_left_alone(
    tmp_path: Path, victim: Path
) -> None:
    path = tmp_path / "state.json"
    path.symlink_to(victim)
    files.write_json(path, {"a": 1})
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == files.FILE_MODE
    assert victim.read_text() == "precious"
    assert victim.stat().st_mode & 0o777 == 0o644


def test_a_link_that_leads_nowhere_makes_no_file_there(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "state.json", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    files.write_atomic(path, b"x")
    assert path.read_bytes() == b"x"
    assert not elsewhere.exists()


def test_what_stands_open_in_the_state_is_closed_and_links_are_left_alone(
    tmp_path: Path, victim: Path
) -> None:
    state = tmp_path / "akosha"
    (state / "receipts").mkdir(parents=True)
    (state / "receipts" / "x.json").touch(mode=0o644)
    (state / "link").symlink_to(victim)
    state.chmod(0o755)
    closed = files.tighten(state)
    assert {each.path.name for each in closed} == {"akosha", "receipts", "x.json"}
    assert {each.mode for each in closed if each.path.suffix} == {0o644}
    assert all(each.path.stat().st_mode & 0o077 == 0 for each in closed)
    assert victim.stat().st_mode & 0o777 == 0o644
    assert files.tighten(state) == ()


def test_programs_in_bin_stay_executable_behind_a_closed_directory(tmp_path: Path) -> None:
    state = tmp_path / "akosha"
    script = state / "bin" / "akosha-hook.sh"
    script.parent.mkdir(parents=True)
    script.touch()
    script.chmod(0o755)
    script.parent.chmod(0o755)
    state.chmod(0o700)
    assert files.tighten(state) == ((script.parent, 0o755),)
    assert script.stat().st_mode & 0o777 == 0o755


def test_there_is_nothing_to_tighten_where_nothing_is(tmp_path: Path) -> None:
    assert files.tighten(tmp_path / "akosha") == ()


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert files.read_bounded(path, 5) == b"12345"
    assert files.read_bounded(path, 5, first=2) == b"12"
    for first in (None, 2):
        with pytest.raises(files.TooLargeError) as caught:
            files.read_bounded(path, 4, first=first)
        assert caught.value.limit == 4


def test_a_file_that_tells_no_size_is_bounded_too() -> None:
    path = Path("/proc/self/status")
    if not path.exists():
        pytest.skip("needs /proc, where files report a size of 0")
    with pytest.raises(files.TooLargeError):
        files.read_bounded(path, 10)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read_bounded(tmp_path / "x")


def test_what_is_no_regular_file_is_refused_by_kind_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("directory", "directory"), ("pipe", "special file")):
        with pytest.raises(files.NotRegularError) as caught:
            files.read_bounded(tmp_path / name)
        assert caught.value.kind == kind


def test_a_link_is_followed_only_where_that_is_wanted(tmp_path: Path, victim: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(victim)
    assert files.read_bounded(link) == b"precious"
    with pytest.raises(files.NotRegularError) as caught:
        files.read_bounded(link, follow=False)
    assert caught.value.kind == "symlink"


def test_a_stamp_changes_when_its_file_is_written(tmp_path: Path) -> None:
    path, missing = tmp_path / "a", tmp_path / "b"
    path.write_text("x")
    before = files.stamps([path, missing])
    assert len(before) == 1
    assert files.stamps([path, missing]) == before
    files.write_atomic(path, b"y")
    assert files.stamps([path, missing]) != before


def test_a_checked_document_that_was_altered_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    files.write_checked_json(path, {"sequence": 1234})
    assert files.read_json(path, dict[str, int | str])["sequence"] == 1234  # type: ignore[index]
    path.write_bytes(path.read_bytes().replace(b"1234", b"1235"))
    assert files.peek_json(path, dict[str, int | str]) is None
    assert path.exists()
    assert files.read_json(path, dict[str, int | str]) is None
    assert not path.exists()
    assert (tmp_path / "state.json.corrupt").exists()
    assert "state.json was altered: its checksum does not fit" in caplog.text
