"""What earlier runs left is removed."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from akosha_hook.context import Context
from akosha_hook.install import record
from akosha_hook.install.plan import Change, Content
from akosha_hook.install.record import Part, Record
from akosha_hook.paths import Paths
from akosha_hook.settings import Loaded, Settings
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import cleanup
from tests.support.s3 import TestBucket
from tests.support.state_documents import TARGET, whole_receipt
from tests.support.syncing import CLOUD, sync


def test_snapshots_are_gone_after_the_upload(paths: Paths, data: Path, bucket: TestBucket) -> None:
    sync(paths, bucket)
    assert list(paths.snapshots.iterdir()) == []


def test_block_hashes_go_with_the_uploads_they_describe(
    paths: Paths, large: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    sync(paths, bucket, replace(CLOUD, full=True))
    Receipts(paths).trim(keep=1)
    newest = next(iter(Receipts(paths).newest_first()))
    kept = {path.name.split(".")[0] for path in paths.receipts.glob("*.blocks")}
    assert kept == {newest.upload_id}


def context_of(paths: Paths) -> Context:
    """A bucket that nothing listens at."""
    values = Settings(akosha_cloud_bucket="memories", akosha_cloud_endpoint=TARGET.endpoint)
    return Context(Loaded(values, {}), paths, {})


def test_where_nothing_was_left_no_server_is_asked(paths: Paths) -> None:
    """Not even for keys, which there are none of."""
    receipts = Receipts(paths)
    receipts.save(msgspec.structs.replace(whole_receipt(), partial={}))
    assert cleanup.abort_abandoned(context_of(paths), receipts, TARGET) == ()


def test_what_cannot_be_aborted_now_is_left_for_the_next_sync(
    paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = Receipts(paths)
    receipts.save(whole_receipt())
    assert cleanup.abort_abandoned(context_of(paths), receipts, TARGET) == ()
    assert "left for the next time" in caplog.text
    assert [each.upload_id for each in Receipts(paths).abandoned(TARGET)] == [
        whole_receipt().upload_id
    ]


def test_snapshots_go_but_for_the_one_that_an_upload_continues(paths: Paths) -> None:
    receipts = Receipts(paths)
    receipts.save(msgspec.structs.replace(whole_receipt(), state="uploading", snapshot="needed"))
    for name in ("needed", "left"):
        (paths.snapshots / name).mkdir(parents=True)
    cleanup.remove_snapshots(context_of(paths), receipts)
    assert [each.name for each in paths.snapshots.iterdir()] == ["needed"]


GONE = 2**22 - 3


def test_temporary_files_of_a_process_that_is_gone_are_removed(
    paths: Paths, tmp_path: Path
) -> None:
    """Wherever we write: our own directories, and beside each file of others that we write."""
    hooks = tmp_path / "repository" / ".git" / "hooks"
    kept = Change(hooks / "post-commit", None, Content(b"#!/bin/sh", 0o755), "git-hook", "git")
    after = record.with_changes(Record(), [kept], lambda *_: Part(lambda *_: None))
    record.save(paths, after)
    Receipts(paths).save(msgspec.structs.replace(whole_receipt(), state="uploading", snapshot="s"))
    left = [
        directory / f".{name}.{GONE}.0a0a0a0a.tmp"
        for directory, name in (
            (paths.state, "machine.json"),
            (paths.receipts, "x.journal"),
            (paths.bin, "akosha-hook.sh"),
            (paths.state / "akosha-rows", "x"),
            (paths.snapshots / "s", "snapshot.json"),
            (paths.data / ".akosha-restore-download", "placing.json"),
            (paths.claude, "settings.json"),
            (paths.user_toml.parent, "config.toml"),
            (hooks, "post-commit"),
        )
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{")
    others = [hooks / f".pre-push.{GONE}.0a0a0a0a.tmp", paths.data / ".x.tmp"]
    for path in others:
        path.write_text("{")
    cleanup.tidy(context_of(paths), Receipts(paths))
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in others)


def test_copies_that_a_killed_verify_or_doctor_left_are_removed(paths: Paths) -> None:
    names = (".akosha-restore-x1", ".doctor-old", ".doctor-future", ".doctor-at-work")
    for name in names:
        (paths.state / name).mkdir(parents=True)
        (paths.state / name / "reflection.duckdb").touch()
    for name, seconds in ((".doctor-old", -3601), (".doctor-future", 3600)):
        when = time.time() + seconds
        os.utime(paths.state / name, (when, when))
    cleanup.tidy(context_of(paths), Receipts(paths))
    assert [name for name in names if (paths.state / name).exists()] == [".doctor-at-work"]
