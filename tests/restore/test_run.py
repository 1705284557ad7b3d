from __future__ import annotations

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
from tests.support.duck import change, conversations_in, make_databases
from tests.support.home import Home
from tests.support.machines import another_machine, copy_of, machine_id
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


def test_another_machines_memories_replace_ours_only_where_it_is_named(
    at_home: Home, tmp_path: Path
) -> None:
    upload(at_home.paths)
    other = another_machine(at_home, tmp_path)
    theirs = upload(other.paths)
    name = machine_id(other)[:8]
    before = contents(at_home.paths.data)
    with pytest.raises(AkoshaHookError, match="is not known to be this machine's") as caught:
        restore.restore(RestoreRequest(theirs), context(at_home.paths))
    message = caught.value.message
    assert message.startswith(f"{theirs} of ")
    assert f"machine {name} made it. Here it would replace reflection.duckdb" in message
    assert caught.value.hint.startswith(f"akosha-hook restore {theirs} --machine {name} (what is")
    assert contents(at_home.paths.data) == before
    for request in (
        RestoreRequest(theirs, to=tmp_path / "there"),
        RestoreRequest(machine=name),
        RestoreRequest(theirs, force=True),
    ):
        restore.restore(request, context(at_home.paths))
    assert contents(at_home.paths.data) == contents(other.paths.data) != before


def test_a_state_that_was_lost_asks_before_it_replaces_anything(at_home: Home) -> None:
    newest = upload(at_home.paths)
    before = machine_id(at_home)
    shutil.rmtree(at_home.paths.state)
    with pytest.raises(AkoshaHookError, match="is not known to be this machine's") as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert f"akosha-hook restore --machine {before[:8]} " in caught.value.hint
    result = restore.restore(RestoreRequest(machine=before[:8]), context(at_home.paths))
    assert result.plan.upload.upload_id == newest


def test_what_bears_this_machines_id_and_is_not_its_own_needs_force(
    at_home: Home, tmp_path: Path
) -> None:
    """To name the machine proves nothing there: a copy has the same id, or somebody overwrote it."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    copy = copy_of(at_home, tmp_path)
    change(copy.paths.data / "reflection.duckdb", 5)
    theirs = upload(copy.paths)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["tool"] = "somebody"
    write_manifest(at_home.bucket, first, document)
    mine = machine_id(at_home)
    for upload_id, why in ((theirs, "has no record of it"), (first, "was overwritten")):
        with pytest.raises(AkoshaHookError, match=why) as caught:
            restore.restore(RestoreRequest(upload_id, machine=mine), context(at_home.paths))
        assert caught.value.hint.startswith(f"akosha-hook restore {upload_id} --force (")
        restore.restore(RestoreRequest(upload_id, force=True), context(at_home.paths))


def test_without_a_bucket_the_hint_says_how_to_name_one(paths: Paths) -> None:
    with pytest.raises(SettingsError) as caught:
        restore.restore(RestoreRequest(), context(paths))
    assert "config set akosha_cloud_bucket" in caught.value.hint


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
    write_manifest(at_home.bucket, newest, document, stored_by=at_home.paths)
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


@pytest.mark.parametrize("why", ["damaged", "no room", "no such object"])
def test_a_restore_elsewhere_that_is_refused_leaves_no_folder(
    at_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    key = f"systems/laptop/uploads/{newest}/reflection.duckdb"
    if why == "damaged":
        stored = at_home.bucket.read(key)
        put(at_home.bucket, key, stored[:-9] + bytes([stored[-9] ^ 1]) + stored[-8:])
    elif why == "no room":
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    else:
        at_home.bucket.client.remove_object(at_home.bucket.name, key)
    with pytest.raises(AkoshaHookError):
        restore.restore(RestoreRequest(to=tmp_path / "new" / "elsewhere"), context(at_home.paths))
    assert not (tmp_path / "new").exists()


def test_a_databases_mode_is_kept(at_home: Home) -> None:
    upload(at_home.paths)
    database = at_home.paths.data / "reflection.duckdb"
    database.chmod(0o640)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert database.stat().st_mode & 0o777 == 0o640


def test_a_hostile_manifest_writes_nothing_anywhere(at_home: Home) -> None:
    assert at_home.bucket is not None
    newest = upload(at_home.paths)
    document = read_manifest(at_home.bucket, newest)
    for name in ("../settings.json", "/tmp/x", "..", "a/../../b"):
        for each in document["metadata"]["files"][:1]:
            each["name"] = each["database"] = name
        write_manifest(at_home.bucket, newest, document, stored_by=at_home.paths)
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
