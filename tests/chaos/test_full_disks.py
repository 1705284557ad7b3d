"""Full disks, and state that cannot be written: no hang, no loss, and nothing keeps the disk full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError
from akosha_hook.state import notice, progress_file
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.hooks import install_script, record_interpreter
from tests.support.waiting import until


def on_a_disk_of(size: int, *command: str | Path) -> list[str]:
    """`command` where no file can grow above `size` bytes: writing more fails like a full disk."""
    limit = f'trap "" XFSZ; ulimit -f {size // 512}; exec "$@"'
    return ["sh", "-c", limit, "sh", *map(str, command)]


def worker_on_a_disk_of(size: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        on_a_disk_of(size, sys.executable, "-P", "-m", "akosha_hook.worker"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )


def test_a_disk_that_fills_up_during_the_snapshot_is_told_and_loses_nothing(
    faulty_home: FaultyHome,
) -> None:
    content = faulty_home.write(4 * MIB)
    faulty_home.happen("session-end")
    with worker_on_a_disk_of(MIB) as worker:
        until(lambda: progress_file.read(faulty_home.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert len(faulty_home.events()) == 1
    assert "could not be written" in faulty_home.paths.notice.read_text()
    assert faulty_home.manifests() == []
    assert faulty_home.sync_by_hand().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    assert not faulty_home.paths.notice.exists()
    faulty_home.nothing_is_left()


def test_a_disk_without_room_for_the_snapshot_is_not_filled(
    faulty_home: FaultyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file system says is free is all that is pretended here."""
    import shutil

    faulty_home.write(4 * MIB)
    free = shutil.disk_usage(faulty_home.paths.claude)._replace(free=5 * MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    faulty_home.happen()
    faulty_home.run_loop_once()
    assert "too full for a snapshot" in faulty_home.paths.notice.read_text()
    assert len(faulty_home.events()) == 1
    assert list(faulty_home.paths.snapshots.rglob("*.duckdb")) == []


def test_what_filled_the_disk_does_not_stay_there(
    faulty_home: FaultyHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a snapshot, nor that of a killed run: else no later one would find room."""
    import shutil

    faulty_home.write(4 * MIB)
    killed = faulty_home.paths.snapshots / "20260101_000000-1"
    killed.mkdir(parents=True)
    (killed / "reflection.duckdb").write_bytes(bytes(MIB))
    faulty_home.happen()
    with worker_on_a_disk_of(2 * MIB) as worker:
        until(lambda: progress_file.read(faulty_home.paths).phase == "waiting", "the worker waits")
        worker.kill()
        worker.wait()
    assert list(faulty_home.paths.snapshots.iterdir()) == []
    killed.mkdir()
    free = shutil.disk_usage(faulty_home.paths.claude)._replace(free=MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(AkoshaHookError, match="too full"):
        faulty_home.sync()
    assert list(faulty_home.paths.snapshots.iterdir()) == []


def test_where_nothing_at_all_can_be_written_the_worker_leaves(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    faulty_home.happen()
    with worker_on_a_disk_of(0) as worker:
        assert worker.wait() == 0
    assert len(faulty_home.events()) == 1
    faulty_home.run_loop()
    assert len(faulty_home.manifests()) == 1
    faulty_home.nothing_is_left()


def test_a_hook_that_cannot_write_its_event_is_silent(faulty_home: FaultyHome) -> None:
    install_script(faulty_home.paths)
    record_interpreter(faulty_home.paths, sys.executable)
    done = subprocess.run(
        on_a_disk_of(0, faulty_home.paths.hook_script, "session-end"),
        input=b"{}" * 1000,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_command_on_a_full_disk_shows_no_traceback(faulty_home: FaultyHome) -> None:
    """Not even of its log, which cannot be written either."""
    faulty_home.write()
    command = [sys.executable, "-P", "-m", "akosha_hook", "sync"]
    done = subprocess.run(on_a_disk_of(0, *command), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["snapshots", "receipts"])
def test_a_directory_of_ours_that_cannot_be_written_ends_the_worker(
    faulty_home: FaultyHome, name: str
) -> None:
    """A file in its place stops root, too."""
    content = faulty_home.write()
    faulty_home.happen()
    (faulty_home.paths.state / name).write_text("in the way")
    with faulty_home.start_worker() as worker:
        until(
            lambda: (
                worker.poll() is not None
                or progress_file.read(faulty_home.paths).phase == "waiting"
            ),
            "the worker waits or leaves",
        )
        worker.kill()
        worker.wait()
    assert len(faulty_home.events()) == 1
    (faulty_home.paths.state / name).unlink()
    assert faulty_home.sync_by_hand().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_a_notice_that_cannot_be_written_stops_nothing(faulty_home: FaultyHome) -> None:
    content = faulty_home.write()
    faulty_home.paths.notice.mkdir(parents=True)
    notice.leave(faulty_home.paths, "no")
    assert faulty_home.sync().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
