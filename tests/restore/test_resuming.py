"""An interrupted restore goes on where it was: what was downloaded is proved again, and kept."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from akosha_hook import restore
from akosha_hook.demo.databases import make_reflection_database
from akosha_hook.errors import AkoshaHookError, BusyError, DamagedError
from akosha_hook.restore import Restored, RestoreRequest, fetch, staging
from akosha_hook.restore.staging import KEPT
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as sync
from tests.support import faults
from tests.support.faults import Exchange, FaultyProxy, faulty_proxy
from tests.support.home import Home
from tests.support.recovery import contents, context, put, upload
from tests.support.waiting import until
from tests.support.writer import Writer

RANGE = 64 * 1024
WHOLE = 10 * RANGE + 123
NAMES = ("one.duckdb", "two.duckdb")


@dataclass
class Scene:
    """A home whose bucket lies behind `proxy`; `asked` are the ranges of objects it was asked."""

    home: Home
    proxy: FaultyProxy
    before: dict[str, bytes]
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def kept(self) -> Path:
        return self.home.paths.data / KEPT

    def restore(self) -> Restored:
        """By force: DuckDB finds bytes drawn at random damaged."""
        return restore.restore(RestoreRequest(force=True), context(self.home.paths))

    def fail_from(self, name: str, offset: int, fault: Callable[[Exchange], None]) -> None:
        """From now on ask and tell; what begins at `offset` of `name` or later meets `fault`."""

        def tell(exchange: Exchange) -> None:
            found = re.search(rb"(?im)^range: bytes=(\d+)-", exchange.head)
            begin = int(found[1]) if found else 0
            asked = exchange.asked.path.rsplit("/", 1)[1]
            self.asked.append((asked, begin))
            met = asked == name and begin >= offset
            (fault if met else faults.passed)(exchange)

        self.proxy.heal()
        self.proxy.on("GetObject", fault=tell)

    def watch(self) -> None:
        self.asked.clear()
        self.fail_from("", 0, faults.passed)


@pytest.fixture
def scene(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Two databases of many ranges in the bucket, and nothing of them here."""
    monkeypatch.setattr(fetch, "RANGE_BYTES", RANGE)
    # One after the other: what is asked for is what was needed.
    monkeypatch.setattr(fetch, "RANGES", 1)
    assert at_home.bucket is not None
    shutil.rmtree(at_home.paths.data)
    at_home.paths.data.mkdir()
    before = {}
    for seed, name in enumerate(NAMES):
        before[name] = b"\0" * 8 + b"DUCK" + random.Random(seed).randbytes(WHOLE - 12)
        (at_home.paths.data / name).write_bytes(before[name])
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(
            akosha_cloud_endpoint=proxy.url,
            akosha_databases=list(NAMES),
            akosha_enable_compression=False,
        )
        upload(at_home.paths)
        for path in at_home.paths.data.iterdir():
            path.unlink()
        yield Scene(at_home, proxy, before)


def cut(exchange: Exchange) -> None:
    """Half of the answer comes."""
    answer = exchange.forward()
    exchange.client.sendall(answer[: len(answer) // 2])
    exchange.reset()


def interrupted(scene: Scene, name: str = "two.duckdb", offset: int = 4 * RANGE) -> None:
    scene.fail_from(name, offset, cut)
    with pytest.raises(AkoshaHookError) as caught:
        scene.restore()
    assert "Run the same command again to continue" in caught.value.hint
    assert str(scene.kept) in caught.value.hint
    scene.watch()


def from_(name: str, offset: int) -> list[tuple[str, int]]:
    return [(name, each) for each in range(offset, WHOLE, RANGE)]


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


def test_what_another_upload_needs_is_taken_and_the_rest_is_removed(scene: Scene) -> None:
    """The newest upload refers to the one file; of the other it has a newer state."""
    interrupted(scene)
    data = scene.home.paths.data
    for name, content in scene.before.items():
        (data / name).write_bytes(content)
    (data / "two.duckdb").write_bytes(b"\0" * 8 + b"DUCK" + bytes(WHOLE - 12))
    upload(scene.home.paths)
    newest = contents(data)
    for name in newest:
        (data / name).unlink()
    (stale,) = (scene.kept / "stored").iterdir()
    interrupted(scene, offset=2 * RANGE)
    (fresh,) = (scene.kept / "stored").iterdir()
    assert fresh != stale
    assert fresh.stat().st_size == 2 * RANGE
    scene.restore()
    assert scene.asked == from_("two.duckdb", 2 * RANGE)
    assert contents(data) == newest


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
    scene.watch()
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


def test_without_room_for_what_is_kept_the_restore_is_made_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = 2 * WHOLE + staging.SPARE_BYTES
    real = shutil.disk_usage(scene.home.paths.data)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=needed + 1))
    scene.fail_from("two.duckdb", 4 * RANGE, cut)
    with pytest.raises(AkoshaHookError):
        scene.restore()
    assert list((scene.kept / "stored").iterdir()) == []
    scene.watch()
    scene.restore()
    assert scene.asked == from_("two.duckdb", 0)
    assert contents(scene.home.paths.data) == scene.before


@pytest.mark.parametrize(
    ("room", "keeps"), [(WHOLE // 2, True), (WHOLE - 1, True), (WHOLE - 1, False)]
)
def test_a_disk_that_fills_up_is_told_and_nothing_is_put_in_place(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, room: int, keeps: bool
) -> None:
    """Also where only the very last byte does not fit: no file may end up short."""
    needed = 2 * WHOLE + staging.SPARE_BYTES
    if not keeps:
        real = shutil.disk_usage(scene.home.paths.data)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=needed + 1))
    scene.watch()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(AkoshaHookError, match="could not be written") as caught:
            scene.restore()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Free some space" in caught.value.hint
    assert list(scene.home.paths.data.iterdir()) == []
    scene.restore()
    assert contents(scene.home.paths.data) == scene.before


def test_a_verification_always_asks_the_bucket(scene: Scene) -> None:
    interrupted(scene)
    with pytest.raises(DamagedError, match="DuckDB finds"):
        restore.verify(RestoreRequest(), context(scene.home.paths))
    assert scene.asked == [*from_("one.duckdb", 0), *from_("two.duckdb", 0)]
    assert scene.kept.exists()


def test_what_nobody_continues_is_removed_by_a_sync_after_a_week(scene: Scene) -> None:
    interrupted(scene)
    data = scene.home.paths.data
    for name, content in scene.before.items():
        (data / name).write_bytes(content)
    sync.run(sync.Request(), context(scene.home.paths), Receipts(scene.home.paths))
    assert scene.kept.exists()
    long_ago = scene.kept.stat().st_mtime - 8 * 86_400
    for path in [*scene.kept.rglob("*"), scene.kept]:
        os.utime(path, (long_ago, long_ago))
    sync.run(sync.Request(), context(scene.home.paths), Receipts(scene.home.paths))
    assert not scene.kept.exists()
    assert contents(data) == scene.before


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
        [sys.executable, "-P", "-m", "akosha_hook", "restore", "--force"],
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
        _, told = command.communicate()
    assert command.returncode == 130
    assert "Interrupted." in told
    assert "Run the same command again to continue" in told
    assert str(scene.kept) in told
    scene.proxy.closing.clear()
    scene.watch()
    again = scene.home.akosha_hook("restore", "--force")
    assert again.returncode == 0, again.stderr
    assert {begin for _, begin in scene.asked} == {done, done + 4 * 1024 * 1024}
    assert f"{done:,} bytes were there already" in again.stderr
    assert contents(paths.data) == {"one.duckdb": big}
    assert not scene.kept.exists()
