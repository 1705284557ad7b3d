"""One holder at a time, across processes and threads; the kernel wakes who waits."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from akosha_hook.util.lock import Lock
from akosha_hook.worker import __main__ as worker


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "sync.lock"), Lock(tmp_path / "sync.lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()


def test_who_waits_gets_the_lock_once_it_is_released(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "sync.lock")
    assert lock.acquire()
    order: list[str] = []
    started = threading.Event()

    def wait() -> None:
        started.set()
        with Lock(tmp_path / "sync.lock").waiting():
            order.append("waited")

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert started.wait(10)
    order.append("released")
    lock.release()
    thread.join(10)
    assert order == ["released", "waited"]
    assert lock.acquire()


def test_a_lock_is_not_taken_through_a_link(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "sync.lock", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        Lock(path).acquire()
    with pytest.raises(OSError, match="symbolic links"), Lock(path).waiting():
        pass
    assert worker._lock(str(path)) is None
    assert not elsewhere.exists()
