"""Files of ours are written in place of whatever has their name, never through it."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.util import files
from akosha_hook.worker import __main__ as worker


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


def test_a_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "sync.lock", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        files.Lock(path).acquire()
    assert worker._lock(str(path)) is None
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
    assert {path.name for path in closed} == {"akosha", "receipts", "x.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in closed)
    assert victim.stat().st_mode & 0o777 == 0o644
    assert files.tighten(state) == ()
