"""Sets of files, from the folder to the bucket and back."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.format import tar
from akosha_hook.format.tar import Entry
from akosha_hook.paths import Paths
from akosha_hook.restore import RestoreRequest, SetResult
from akosha_hook.snapshot import archive
from akosha_hook.snapshot.copy import hash_file
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import run as syncing
from akosha_hook.sync.forget import forget
from akosha_hook.sync.outcome import Outcome
from tests.support.home import Home
from tests.support.machines import another_machine
from tests.support.recovery import context, put, read_manifest, upload, write_manifest
from tests.support.sets import session_files, write

if TYPE_CHECKING:
    from tests.support.s3 import TestBucket

SET = "session-files.tar"
TRANSCRIPTS = ["session-files", "claude-transcripts"]


@pytest.fixture
def machine(at_home: Home) -> Home:
    session_files(at_home.paths.data)
    return at_home


@pytest.fixture
def store(machine: Home) -> TestBucket:
    assert machine.bucket is not None
    return machine.bucket


def sync(machine: Home) -> Outcome:
    return syncing.run(syncing.Request(), context(machine.paths), Receipts(machine.paths))


def stored(store: TestBucket, upload_id: str) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in read_manifest(store, upload_id)["metadata"]["files"]}


def put_back(machine: Home, **request: object) -> dict[str, SetResult]:
    result = restore.restore(RestoreRequest(**request), context(machine.paths))  # type: ignore[arg-type]
    return {each.name: each for each in result.sets}


def transcripts(paths: Paths, count: int) -> list[Path]:
    """Files of about 500 kB each, as conversations compress."""
    chance = random.Random(3)
    words = [f"{chance.getrandbits(40):x}" for _ in range(5000)]
    made = []
    for number in range(count):
        path = paths.claude / f"projects/-p/{number:08x}-aaaa.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps({"text": " ".join(chance.choices(words, k=100))}) for _ in range(500))
        path.write_text("\n".join(lines) + "\n")
        made.append(path)
    return made


def test_session_files_are_stored_unasked_and_come_back(
    machine: Home, store: TestBucket, tmp_path: Path
) -> None:
    upload_id = upload(machine.paths)
    files = stored(store, upload_id)
    assert files[SET]["kind"] == "files"
    # They have no conversations, and are no reason to say that those were not counted.
    details = read_manifest(store, upload_id)["metadata"]
    assert details["conversations_counted"]
    (receipt,) = machine.receipts()
    assert [each.members for each in receipt.files if each.name == SET] == [2]
    results = put_back(machine, to=tmp_path / "out")
    assert results["session-files"].put_back == 2
    for folder in ("sessions", "handoffs"):
        there, here = tmp_path / "out/session-files" / folder, machine.paths.data / folder
        subprocess.run(["diff", "-r", there, here], check=True)
    assert {each.name for each in (tmp_path / "out").iterdir()} == {
        "session-files",
        "reflection.duckdb",
        "knowledge_graph.duckdb",
    }


def test_an_unchanged_set_is_not_read(machine: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(machine.paths)
    monkeypatch.setattr(archive, "write_and_hash", lambda *_, **__: pytest.fail("it was read"))
    outcome = sync(machine)
    assert outcome.state == "unchanged"
    assert SET in outcome.unchanged


def test_a_line_more_costs_a_hundredth_of_a_full_upload(machine: Home, store: TestBucket) -> None:
    machine.configure(akosha_include=TRANSCRIPTS)
    paths = transcripts(machine.paths, 12)
    first = stored(store, upload(machine.paths))["claude-transcripts.tar"]
    with paths[5].open("a") as file:
        file.write(json.dumps({"text": "one more line"}) + "\n")
    second = stored(store, upload(machine.paths))["claude-transcripts.tar"]
    assert second["delta"]
    assert isinstance(first["stored_size"], int)
    assert isinstance(second["stored_size"], int)
    assert second["stored_size"] <= first["stored_size"] / 100


def test_pipes_links_and_unreadable_files_are_named_and_the_rest_is_stored(machine: Home) -> None:
    sessions = machine.paths.data / "sessions"
    os.mkfifo(sessions / "pipe")
    (sessions / "root").symlink_to("/")
    outcome = sync(machine)
    assert outcome.success
    assert outcome.receipt is not None
    notes = [note for note in outcome.receipt.notes if note.startswith("session-files: ")]
    assert notes == [
        "session-files: sessions/pipe is not backed up: it is a pipe, a socket or a device",
        "session-files: sessions/root is not backed up: it is a symbolic link",
    ]


def test_a_set_without_files_is_nothing_and_nothing_is_missing(machine: Home) -> None:
    machine.configure(akosha_include=["claude-memory"])
    outcome = sync(machine)
    assert outcome.success
    assert not outcome.skipped
    assert outcome.receipt is not None
    assert not [each for each in outcome.receipt.files if each.kind == "files"]


def test_a_set_that_lost_all_its_files_is_not_overwritten_and_comes_back(
    machine: Home, store: TestBucket
) -> None:
    first = stored(store, upload(machine.paths))
    shutil.rmtree(machine.paths.data / "sessions")
    shutil.rmtree(machine.paths.data / "handoffs")
    write(machine.paths.data, **{"more.db": ""})
    (machine.paths.data / "more.db").write_bytes(
        (machine.paths.data / "reflection.duckdb").read_bytes()
    )
    outcome = sync(machine)
    (gone,) = [each for each in outcome.skipped if each.name == SET]
    assert (gone.reason, outcome.success) == ("missing", True)
    assert "session-files has no files any more" in gone.message
    assert outcome.receipt is not None
    carried = stored(store, outcome.receipt.upload_id)[SET]
    assert carried["key"] == first[SET]["key"]
    assert isinstance(carried["stale"], dict)
    assert carried["stale"]["reason"] == "missing"
    results = put_back(machine, names=("session-files",))
    assert results["session-files"].put_back == 2
    assert (machine.paths.data / "handoffs/h").read_text() == "two"
    assert sync(machine).success


def test_a_set_that_is_not_included_any_more_is_carried_until_it_is_forgotten(
    machine: Home,
) -> None:
    upload(machine.paths)
    with pytest.raises(AkoshaHookError, match="still has files") as caught:
        forget("session-files", context(machine.paths), Receipts(machine.paths))
    assert caught.value.hint == "Leave it out: akosha-hook config set akosha_include ''"
    machine.configure(akosha_include=[])
    (left,) = sync(machine).skipped
    assert (left.name, left.reason) == (SET, "excluded")
    assert "session-files is not among akosha_include" in left.message
    assert forget("session-files", context(machine.paths), Receipts(machine.paths)).name == SET
    assert not sync(machine).skipped


def test_verify_reads_a_set_through(machine: Home) -> None:
    upload(machine.paths)
    result = restore.verify(RestoreRequest(), context(machine.paths))
    assert str(result.checks[SET]) == ""


def test_what_the_bucket_lost_of_a_set_is_sent_again(machine: Home, store: TestBucket) -> None:
    first = stored(store, upload(machine.paths))
    store.client.remove_object(store.name, str(first[SET]["key"]))
    write(machine.paths.data, sessions__s2__state="more")
    second = stored(store, upload(machine.paths))
    assert second[SET]["key"] != first[SET]["key"]
    (machine.paths.data / "reflection.duckdb").write_bytes(
        (machine.paths.data / "knowledge_graph.duckdb").read_bytes()
    )
    store.client.remove_object(store.name, str(second[SET]["key"]))
    third = stored(store, upload(machine.paths))
    assert third[SET]["sha256"] == second[SET]["sha256"]
    assert third[SET]["key"] not in {first[SET]["key"], second[SET]["key"]}


def test_in_place_newer_files_stay(machine: Home) -> None:
    upload(machine.paths)
    write(machine.paths.data, handoffs__h="newer", sessions__s2__state="not in the set")
    (machine.paths.data / "sessions/s1/state").unlink()
    result = put_back(machine, names=(SET,))["session-files"]
    assert (result.put_back, result.newer) == (1, ["handoffs/h"])
    assert (machine.paths.data / "handoffs/h").read_text() == "newer"
    assert (machine.paths.data / "sessions/s2/state").read_text() == "not in the set"
    assert put_back(machine, names=(SET,), force=True)["session-files"].put_back == 1
    assert (machine.paths.data / "handoffs/h").read_text() == "two"
    (kept,) = machine.paths.data.glob("before-restore-*/session-files/handoffs/h")
    assert kept.read_text() == "newer"


def planted(machine: Home, store: TestBucket, *members: str) -> None:
    """The latest upload's set replaced by a tar of these, as whoever may write the ledger could."""
    upload_id = upload(machine.paths)
    whole = b""
    for name in sorted(members, key=lambda each: each.split("/")):
        whole += tar.header(Entry(name, 1, 10**18, 0o700), len(whole)) + b"x" + tar.padding(1)
    path = machine.paths.claude / "planted"
    path.write_bytes(whole + tar.END)
    document = read_manifest(store, upload_id)
    (file,) = [each for each in document["metadata"]["files"] if each["name"] == SET]
    size, digest = path.stat().st_size, hash_file(path)
    put(store, file["key"], path.read_bytes())
    file |= {"sha256": digest, "size": size, "stored_size": size, "compression": "identity"}
    write_manifest(store, upload_id, document, stored_by=machine.paths)


@pytest.mark.parametrize(
    "name", ["settings.json", "reflection.duckdb", "../x", "/etc/x", "sessions"]
)
def test_a_tar_with_other_files_is_not_put_back(
    machine: Home, store: TestBucket, name: str
) -> None:
    planted(machine, store, name, "sessions/s3/state")
    before = {each: each.read_bytes() for each in machine.paths.data.rglob("*") if each.is_file()}
    for request in (RestoreRequest(), RestoreRequest(names=(SET,), force=True)):
        with pytest.raises(DamagedError, match=SET):
            restore.restore(request, context(machine.paths))
    with pytest.raises(DamagedError):
        restore.verify(RestoreRequest(), context(machine.paths))
    after = {each: each.read_bytes() for each in machine.paths.data.rglob("*") if each.is_file()}
    assert after == before
    assert not (machine.paths.claude / "settings.json").exists()


def test_another_machines_instructions_are_not_put_in_place_unasked(
    machine: Home, store: TestBucket, tmp_path: Path
) -> None:
    write(machine.paths.claude, **{"CLAUDE.md": "do as I say"})
    machine.configure(akosha_include=["claude-memory"], akosha_databases=["none.duckdb"])
    upload(machine.paths)
    other = another_machine(machine, tmp_path / "other")
    shutil.rmtree(other.paths.data, ignore_errors=True)
    with pytest.raises(AkoshaHookError, match="not known to be this machine's"):
        restore.restore(RestoreRequest(), context(other.paths))
    assert not (other.paths.claude / "CLAUDE.md").exists()
    result = restore.restore(RestoreRequest(to=tmp_path / "out"), context(other.paths))
    assert result.sets[0].put_back == 1
