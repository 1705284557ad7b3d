from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, BusyError, DamagedError, SettingsError
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore.check import Check
from akosha_hook.state import verification
from tests.support.duck import change, conversations_in, make_databases
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    put,
    read_manifest,
    upload,
    write_manifest,
)
from tests.support.writer import Writer

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


def test_a_deleted_data_directory_comes_back_byte_for_byte(
    paths: Paths, any_bucket: TestBucket
) -> None:
    make_databases(paths.data, conversations=10)
    Home(paths, any_bucket).configure(akosha_enable_fallback=False)
    upload(paths)
    before = contents(paths.data)
    shutil.rmtree(paths.data)
    result = restore.restore(RestoreRequest(), context(paths))
    assert contents(paths.data) == before
    assert result.kept is None
    assert set(result.checks.values()) == {Check()}
    assert sorted(path.name for path in paths.data.iterdir()) == sorted(before)


def test_a_restore_is_followed_by_a_sync_that_works(at_home: Home) -> None:
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    upload(at_home.paths)
    restore.restore(RestoreRequest(first), context(at_home.paths))
    assert upload(at_home.paths) not in {first, ""}
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert conversations_in(at_home.paths.data / "reflection.duckdb") == 10


def test_what_was_there_is_kept_with_its_sidecars(at_home: Home) -> None:
    upload(at_home.paths)
    database = at_home.paths.data / "reflection.duckdb"
    with Writer(database) as writer:
        writer.insert(3)
        writer.kill()
    before = contents(at_home.paths.data)
    assert "reflection.duckdb.wal" in before
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert result.kept is not None
    assert contents(result.kept) == before
    assert conversations_in(result.kept / "reflection.duckdb") == 13


def test_no_sidecar_that_the_manifest_does_not_name_stays(at_home: Home) -> None:
    upload(at_home.paths)
    for end in (".wal", ".wal.checkpoint", ".wal.recovery", ".wal.of-the-future"):
        (at_home.paths.data / f"reflection.duckdb{end}").write_bytes(b"stale")
    unrelated = at_home.paths.data / "reflection.duckdb.txt"
    unrelated.write_text("a user's note")
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert set(contents(at_home.paths.data)) == {
        "reflection.duckdb",
        "knowledge_graph.duckdb",
        unrelated.name,
    }
    assert result.kept is not None
    assert len(contents(result.kept)) == 6


def test_sidecars_come_back_with_their_database(at_home: Home) -> None:
    database = at_home.paths.data / "reflection.duckdb"
    with Writer(database) as writer:
        writer.insert(3)
        writer.kill()
    before = contents(at_home.paths.data)
    upload(at_home.paths)
    shutil.rmtree(at_home.paths.data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == before
    assert conversations_in(database) == 13


def test_files_of_earlier_uploads_are_found(at_home: Home) -> None:
    upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    before = contents(at_home.paths.data)
    assert at_home.bucket is not None
    keys = {each["key"] for each in read_manifest(at_home.bucket, second)["metadata"]["files"]}
    assert len({key.split("/")[3] for key in keys}) == 2
    shutil.rmtree(at_home.paths.data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == before


def test_the_latest_is_the_highest_sequence_whatever_the_clock_said(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    document = read_manifest(at_home.bucket, second)
    document["uploaded_at"] = "2020-01-01T00:00:00+00:00"
    write_manifest(at_home.bucket, second, document)
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == second
    assert first != second


def test_at_takes_the_newest_upload_made_by_then(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    document = read_manifest(at_home.bucket, first)
    document["uploaded_at"] = "2021-01-01T00:00:00+00:00"
    write_manifest(at_home.bucket, first, document)
    change(at_home.paths.data / "reflection.duckdb", 5)
    upload(at_home.paths)
    when = dt.datetime(2021, 1, 2, tzinfo=dt.UTC)
    assert (
        restore.restore(RestoreRequest(at=when), context(at_home.paths)).plan.upload.upload_id
        == first
    )
    with pytest.raises(AkoshaHookError, match="the first upload there is was made at 2021-01-01"):
        restore.restore(RestoreRequest(at=when - dt.timedelta(days=9)), context(at_home.paths))


def test_only_the_named_database_is_touched(at_home: Home) -> None:
    upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    (at_home.paths.data / "knowledge_graph.duckdb").unlink()
    restore.restore(RestoreRequest(names=("knowledge_graph.duckdb",)), context(at_home.paths))
    assert conversations_in(at_home.paths.data / "reflection.duckdb") == 15
    assert (at_home.paths.data / "knowledge_graph.duckdb").exists()
    with pytest.raises(AkoshaHookError, match="it has knowledge_graph"):
        restore.restore(RestoreRequest(names=("other.duckdb",)), context(at_home.paths))


@pytest.mark.parametrize("force", [False, True])
def test_a_database_that_is_held_is_never_replaced(at_home: Home, force: bool) -> None:
    upload(at_home.paths)
    database = at_home.paths.data / "reflection.duckdb"
    before = contents(at_home.paths.data)
    with Writer(database) as writer, pytest.raises(BusyError) as caught:
        restore.restore(RestoreRequest(force=force), context(at_home.paths))
    assert f"process {writer.pid} has it open" in caught.value.message
    assert contents(at_home.paths.data) == before


def test_a_held_database_can_be_restored_elsewhere(at_home: Home, tmp_path: Path) -> None:
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    with Writer(at_home.paths.data / "reflection.duckdb"):
        restore.restore(RestoreRequest(to=tmp_path / "there" / "deep"), context(at_home.paths))
    assert contents(tmp_path / "there" / "deep") == before


def test_another_systems_memories_replace_ours_only_by_force(at_home: Home) -> None:
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    at_home.configure(akosha_system_id="other")
    with pytest.raises(AkoshaHookError, match="it would replace reflection") as caught:
        restore.restore(RestoreRequest(system_id="laptop"), context(at_home.paths))
    assert "--force" in caught.value.hint
    change(at_home.paths.data / "reflection.duckdb", 5)
    restore.restore(RestoreRequest(system_id="laptop", force=True), context(at_home.paths))
    assert contents(at_home.paths.data) == before


def test_a_new_machine_is_told_which_systems_there_are(at_home: Home, tmp_path: Path) -> None:
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    shutil.rmtree(at_home.paths.claude)
    at_home.configure(akosha_system_id="")
    with pytest.raises(
        AkoshaHookError, match=r"Systems in bucket memories-\w+: laptop\."
    ) as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert caught.value.hint == "akosha-hook restore --system laptop"
    restore.restore(RestoreRequest(system_id="laptop"), context(at_home.paths))
    assert contents(at_home.paths.data) == before


def test_an_empty_bucket_says_so(at_home: Home) -> None:
    with pytest.raises(AkoshaHookError, match="holds no uploads"):
        restore.restore(RestoreRequest(), context(at_home.paths))


def test_without_a_bucket_the_hint_says_how_to_name_one(paths: Paths) -> None:
    with pytest.raises(SettingsError) as caught:
        restore.restore(RestoreRequest(), context(paths))
    assert "config set akosha_cloud_bucket" in caught.value.hint


def test_an_incomplete_upload_is_passed_over_and_refused_by_name(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    put(at_home.bucket, "systems/laptop/uploads/29990101_000000_laptop/reflection.duckdb", b"half")
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == first
    with pytest.raises(DamagedError, match="never completed"):
        restore.restore(RestoreRequest("29990101_000000_laptop"), context(at_home.paths))
    with pytest.raises(AkoshaHookError, match="There is no upload 2001"):
        restore.restore(RestoreRequest("2001"), context(at_home.paths))


def test_latest_passes_over_an_upload_with_a_lost_object_and_says_so(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths, full=True)
    lost = f"systems/laptop/uploads/{second}/reflection.duckdb"
    at_home.bucket.client.remove_object(at_home.bucket.name, lost)
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert result.plan.upload.upload_id == first
    assert f"{second} is newer and was passed over: {lost}" in result.notes[0]
    with pytest.raises(DamagedError, match="is not in the bucket"):
        restore.restore(RestoreRequest(second), context(at_home.paths))


def _same_length_other_bytes(stored: bytes) -> bytes:
    plain = bytearray(gzip.decompress(stored))
    plain[20_000] ^= 1
    for level in range(10):
        packed = gzip.compress(bytes(plain), level, mtime=0)
        if len(packed) <= len(stored):
            return packed
    raise AssertionError


def test_a_changed_object_is_never_put_in_place(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    key = f"systems/laptop/uploads/{newest}/reflection.duckdb"
    wrong = _same_length_other_bytes(at_home.bucket.read(key))
    put(at_home.bucket, key, wrong)
    document = read_manifest(at_home.bucket, newest)
    for each in document["metadata"]["files"]:
        if each["key"] == key:
            each["stored_size"] = len(wrong)
    write_manifest(at_home.bucket, newest, document)
    before = contents(at_home.paths.data)
    for force in (False, True):
        with pytest.raises(DamagedError, match="SHA-256 differs"):
            restore.restore(RestoreRequest(force=force), context(at_home.paths))
    assert contents(at_home.paths.data) == before
    assert [each.name for each in at_home.paths.data.iterdir() if each.is_dir()] == []


def test_a_database_that_was_damaged_when_uploaded_needs_force(at_home: Home) -> None:
    database = at_home.paths.data / "knowledge_graph.duckdb"
    data = bytearray(database.read_bytes())
    data[12_288:] = b"\xa5" * (len(data) - 12_288)
    database.write_bytes(bytes(data))
    upload(at_home.paths)
    damaged = contents(at_home.paths.data)
    change(at_home.paths.data / "reflection.duckdb", 5)
    before = contents(at_home.paths.data)
    with pytest.raises(DamagedError, match="DuckDB finds it damaged") as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert "--force" in caught.value.hint
    assert contents(at_home.paths.data) == before
    result = restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert contents(at_home.paths.data) == damaged
    assert result.notes[0].startswith("knowledge_graph.duckdb: ")


def test_a_dry_run_changes_nothing(at_home: Home) -> None:
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    result = at_home.akosha_hook("restore", "--dry-run")
    assert result.returncode == 0
    assert "Would be moved aside: reflection.duckdb, knowledge_graph.duckdb" in result.stdout
    assert contents(at_home.paths.data) == before
    assert not list(at_home.paths.data.glob("before-*"))


def test_a_databases_mode_is_kept(at_home: Home) -> None:
    upload(at_home.paths)
    database = at_home.paths.data / "reflection.duckdb"
    database.chmod(0o640)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert database.stat().st_mode & 0o777 == 0o640


def test_too_little_disk_is_said_before_anything_is_downloaded(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    document = read_manifest(at_home.bucket, newest)
    document["metadata"]["files"][0]["size"] = 99_000_000_000
    write_manifest(at_home.bucket, newest, document)
    free = shutil.disk_usage(at_home.paths.data).free
    if free < 99_000_000_000:
        with pytest.raises(AkoshaHookError, match="the restore needs"):
            restore.restore(RestoreRequest(), context(at_home.paths))
    else:
        with pytest.raises(DamagedError):
            restore.restore(RestoreRequest(), context(at_home.paths))


def test_an_object_of_another_size_is_noticed_before_the_download(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    put(at_home.bucket, f"systems/laptop/uploads/{newest}/reflection.duckdb", b"short")
    with pytest.raises(DamagedError, match="has 5 bytes in the bucket, its manifest says"):
        restore.restore(RestoreRequest(newest), context(at_home.paths))


def test_a_hostile_manifest_writes_nothing_anywhere(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    document = read_manifest(at_home.bucket, newest)
    for name in ("../settings.json", "/tmp/x", "..", "a/../../b"):
        for each in document["metadata"]["files"][:1]:
            each["name"] = each["database"] = name
        write_manifest(at_home.bucket, newest, document)
        before = sorted(at_home.paths.claude.rglob("*"))
        result = at_home.akosha_hook("restore", newest)
        assert result.returncode == 6, result.stderr
        assert "cannot be read" in result.stderr
        after = sorted(at_home.paths.claude.rglob("*"))
        assert {each.name for each in set(after) - set(before)} <= {
            "akosha.log",
            "logs",
            "progress.json",
            "session-buddy.log",
            "sync.lock",
        }


def test_the_command_says_what_it_did_and_what_it_kept(at_home: Home) -> None:
    newest = upload(at_home.paths)
    result = at_home.akosha_hook("restore")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Restored reflection.duckdb, knowledge_graph.duckdb: ")
    assert f"Upload id: {newest}" in result.stdout
    assert "The replaced files are kept" in result.stdout
    document = json.loads(at_home.akosha_hook("restore", "--json").stdout)
    assert document["upload_id"] == newest
    assert Path(document["kept"]).is_dir()
    with Writer(at_home.paths.data / "reflection.duckdb") as writer:
        refused = at_home.akosha_hook("restore", "--force")
    assert refused.returncode == 1
    assert str(writer.pid) in refused.stderr
    assert "Try: Close Claude Code" in refused.stderr


def test_verify_remembers_its_verdict(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    assert verification.last(at_home.paths) is None
    before = contents(at_home.paths.data)
    result = at_home.akosha_hook("verify")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{newest} can be restored: ")
    drill = verification.last(at_home.paths)
    assert drill is not None
    assert (drill.success, drill.upload_id, drill.files) == (True, newest, 2)
    put(at_home.bucket, f"systems/laptop/uploads/{newest}/reflection.duckdb", b"short")
    assert at_home.akosha_hook("restore", newest, "--verify-only").returncode == 6
    drill = verification.last(at_home.paths)
    assert drill is not None
    assert drill.success is False
    assert "has 5 bytes" in (drill.error or "")
    assert contents(at_home.paths.data) == before
    assert not list(at_home.paths.state.glob(".akosha-restore-*"))


def test_a_server_out_of_reach_is_no_verdict(at_home: Home) -> None:
    newest = upload(at_home.paths)
    at_home.akosha_hook("verify")
    gone = "http://127.0.0.1:1"
    result = at_home.akosha_hook("verify", SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT=gone)
    assert result.returncode == 5
    drill = verification.last(at_home.paths)
    assert drill is not None
    assert (drill.success, drill.upload_id) == (True, newest)


def test_what_a_killed_restore_left_is_removed(at_home: Home) -> None:
    upload(at_home.paths)
    left = at_home.paths.data / ".akosha-restore-abc" / "whole"
    left.mkdir(parents=True)
    (left / "reflection.duckdb").write_bytes(b"half")
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert not left.parent.exists()
