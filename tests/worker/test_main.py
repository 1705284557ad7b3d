"""The worker as a process: one at a time, silent, and exit code 0."""

from __future__ import annotations

from akosha_hook.hook import outbox
from akosha_hook.paths import Paths
from akosha_hook.util.lock import Lock
from tests.support.events import happen
from tests.support.home import Home


def test_a_worker_uploads_acknowledges_and_says_nothing(at_home: Home) -> None:
    happen(at_home)
    happen(at_home, "session-end")
    assert at_home.work() == ""
    assert at_home.events() == []
    (receipt,) = at_home.receipts()
    assert receipt.success
    assert set(receipt.triggered_by) == {"post-commit", "session-end"}


def test_without_a_state_directory_the_worker_just_leaves(at_home: Home) -> None:
    at_home.unpin()
    assert at_home.work() == ""
    assert not at_home.paths.state.exists()


def test_a_second_worker_leaves_at_once(at_home: Home) -> None:
    happen(at_home)
    lock = Lock(at_home.paths.worker_lock)
    assert lock.acquire()
    assert at_home.work() == ""
    assert len(at_home.events()) == 1
    lock.release()


def test_what_was_left_open_to_others_is_closed_and_said(paths: Paths) -> None:
    """Also where nobody ever types a command."""
    home = Home(paths)
    outbox.record(paths, "session-start", None, b"")
    (event,) = paths.outbox.iterdir()
    for path, mode in ((event, 0o644), (paths.outbox, 0o755), (paths.state, 0o755)):
        path.chmod(mode)
    assert home.work() == ""
    for path in [paths.state, *paths.state.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert "was open to others" in paths.log.read_text()
