"""An interrupted restore goes on where it was: what was downloaded is proved again, and kept."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest

from akosha_hook import restore
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.errors import BusyError, DamagedError
from akosha_hook.restore import RestoreRequest
from tests.restore.scene import RANGE, WHOLE, Scene, from_, interrupted
from tests.support import faults
from tests.support.faults import Exchange
from tests.support.recovery import contents, context, put, upload
from tests.support.waiting import until
from tests.support.writer import Writer


def test_the_second_run_downloads_only_the_rest(scene: Scene) -> None:
    interrupted(scene)
    assert contents(scene.home.paths.data) == {}
    assert scene.kept.stat().st_mode & 0o777 == 0o700
    assert all(each.stat().st_mode & 0o077 == 0 for each in scene.kept.rglob("*"))
    result = scene.restore()
    assert scene.asked == from_("two.duckdb", 4 * RANGE)
    assert result.downloaded_bytes == WHOLE - 4 * RANGE
    assert f"{WHOLE + 4 * RANGE:,} bytes were there already" in result.notes[0]
    assert contents(scene.home.paths.data) == scene.before
    assert not scene.kept.exists()


def test_a_restore_that_is_cut_again_and_again_gets_there(scene: Scene) -> None:
    for number in range(1, 10):
        interrupted(scene, "one.duckdb", number * RANGE)
    scene.restore()
    assert scene.asked == [*from_("one.duckdb", 9 * RANGE), *from_("two.duckdb", 0)]
    assert contents(scene.home.paths.data) == scene.before


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        ("stored", [("two.duckdb", 4), ("two.duckdb", 0)]),
        ("whole", [("one.duckdb", 0), ("two.duckdb", 4)]),
    ],
)
def test_what_was_damaged_meanwhile_is_downloaded_again(
    scene: Scene, kind: str, again: list[tuple[str, int]]
) -> None:
    """As by a power cut: what was kept had not reached the disk."""
    interrupted(scene)
    (path,) = (scene.kept / kind).iterdir()
    with path.open("r+b") as file:
        file.seek(RANGE)
        file.write(bytes(RANGE))
    scene.restore()
    expected = [from_(name, number * RANGE) for name, number in again]
    assert scene.asked == [*expected[0], *expected[1]]
    assert contents(scene.home.paths.data) == scene.before
    assert not scene.kept.exists()


def test_half_a_range_that_a_kill_left_is_asked_for_again(scene: Scene) -> None:
    interrupted(scene)
    (path,) = (scene.kept / "stored").iterdir()
    with path.open("ab") as file:
        file.write(b"x" * 100)
    (scene.kept / "whole" / "two.duckdb").write_bytes(b"half")
    scene.restore()
    assert scene.asked == from_("two.duckdb", 4 * RANGE)
    assert contents(scene.home.paths.data) == scene.before


def test_a_database_that_is_held_costs_no_second_download(scene: Scene) -> None:
    """It is opened while the last range is on its way."""
    database = scene.home.paths.data / "two.duckdb"
    make_reflection_database(database, conversations=1)
    holders: list[Writer] = []

    def hold(exchange: Exchange) -> None:
        holders.append(Writer(database))
        faults.passed(exchange)

    scene.fail_from("two.duckdb", WHOLE - WHOLE % RANGE, hold)
    with pytest.raises(BusyError, match=r"two\.duckdb cannot be replaced") as caught:
        scene.restore()
    assert "Close Claude Code" in caught.value.hint
    assert "to continue" in caught.value.hint
    holders[0].kill()
    scene.heal()
    assert scene.restore().downloaded_bytes == 0
    assert scene.asked == []
    assert contents(database.parent) == scene.before


def test_damage_in_the_bucket_is_told_and_nothing_is_kept(scene: Scene) -> None:
    interrupted(scene)
    bucket = scene.home.bucket
    assert bucket is not None
    (key,) = [each for each in bucket.object_keys() if each.endswith("/two.duckdb")]
    put(bucket, key, bytes(WHOLE))
    with pytest.raises(DamagedError, match="SHA-256 differs"):
        scene.restore()
    # What was kept is of another object at that key: nothing of it was used.
    assert scene.asked == from_("two.duckdb", 0)
    assert list(scene.home.paths.data.iterdir()) == []


def test_a_verification_always_asks_the_bucket(scene: Scene) -> None:
    interrupted(scene)
    with pytest.raises(DamagedError, match="DuckDB finds"):
        restore.verify(RestoreRequest(), context(scene.home.paths))
    assert scene.asked == [*from_("one.duckdb", 0), *from_("two.duckdb", 0)]
    assert scene.kept.exists()


def test_ctrl_c_says_what_is_kept_and_the_same_command_continues(scene: Scene) -> None:
    """The command itself, with ranges as large as they are: 6 of 4 MiB."""
    paths = scene.home.paths
    big = b"\0" * 8 + b"DUCK" + random.Random(5).randbytes(21 * 1024 * 1024)
    (paths.data / "one.duckdb").write_bytes(big)
    scene.home.configure(akosha_databases=["one.duckdb"])
    upload(paths)
    (paths.data / "one.duckdb").unlink()
    done = 4 * 4 * 1024 * 1024
    scene.fail_from("one.duckdb", done, scene.proxy.hole)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "akosha_hook", "restore", "--force", "--file", "one.duckdb"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as command:
        until(
            lambda: any(each.stat().st_size == done for each in (scene.kept / "stored").glob("*")),
            "all that came is kept",
        )
        command.send_signal(signal.SIGINT)
        # Nobody waits for requests that were on their way.
        scene.proxy.closing.set()
        _, message = command.communicate()
    assert command.returncode == 130
    assert "Interrupted." in message
    assert "Run the same command again to continue" in message
    assert str(scene.kept) in message
    scene.proxy.closing.clear()
    scene.heal()
    again = scene.home.akosha_hook("restore", "--force", "--file", "one.duckdb")
    assert again.returncode == 0, again.stderr
    assert {begin for _, begin in scene.asked} == {done, done + 4 * 1024 * 1024}
    assert f"{done:,} bytes were there already" in again.stderr
    assert contents(paths.data) == {"one.duckdb": big}
    assert not scene.kept.exists()
