"""What a restore keeps while it is under way, and what of it stays or goes."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore import RestoreRequest, staging
from akosha_hook.restore.staging import KEPT, continued
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as sync
from tests.restore.scene import RANGE, WHOLE, Scene, cut, from_, interrupted
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    read_manifest,
    upload,
    write_manifest,
)


def test_too_little_disk_is_said_before_anything_is_downloaded(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    document = read_manifest(at_home.bucket, newest)
    document["metadata"]["files"][0]["size"] = 99_000_000_000
    write_manifest(at_home.bucket, newest, document, stored_by=at_home.paths)
    free = shutil.disk_usage(at_home.paths.data).free
    if free < 99_000_000_000:
        with pytest.raises(AkoshaHookError, match="the restore needs"):
            restore.restore(RestoreRequest(), context(at_home.paths))
    else:
        with pytest.raises(DamagedError):
            restore.restore(RestoreRequest(), context(at_home.paths))


def test_what_a_killed_restore_left_is_removed(at_home: Home) -> None:
    upload(at_home.paths)
    left = at_home.paths.data / ".akosha-restore-abc" / "whole"
    left.mkdir(parents=True)
    (left / "reflection.duckdb").write_bytes(b"half")
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert not left.parent.exists()


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
    scene.heal()
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
    scene.heal()
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


def test_a_download_of_another_user_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / KEPT).mkdir(mode=0o700)
    continued(tmp_path, [], {})
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(AkoshaHookError, match="belongs to another user"):
        continued(tmp_path, [], {})
