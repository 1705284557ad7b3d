"""What would be deleted: never what a kept upload needs, nor what is not known to be ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from akosha_hook.state import forgotten
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry
from akosha_hook.state.receipt import PartialUpload
from akosha_hook.state.receipts import Receipts
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.sync import run as syncing
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.prune.uploads import complete_uploads, grow, prune_uploads, without
from tests.support.machines import another_machine, copy_of, machine_id, on_host
from tests.support.recovery import (
    contents,
    context,
    put,
    read_manifest,
    upload,
    write_manifest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.home import Home


def test_what_a_kept_upload_refers_to_stays_and_the_rest_goes(at_home: Home) -> None:
    """Of a database that is sent whole: tests/restore/test_assemble.py has the base of a delta."""
    assert at_home.bucket is not None
    at_home.configure(akosha_enable_delta=False)
    first = upload(at_home.paths)
    grow(at_home)
    last_one = grow(at_home)
    before = contents(at_home.paths.data)
    plan = prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == [
        f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",
        f"systems/laptop/uploads/{last_one}/manifest.json",
        f"systems/laptop/uploads/{last_one}/reflection.duckdb",
    ]
    assert plan.still_needed == (f"systems/laptop/uploads/{first}/knowledge_graph.duckdb",)
    assert (
        restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == last_one
    )
    assert contents(at_home.paths.data) == before


def test_the_newest_good_upload_stays_when_a_newer_one_lacks_an_object(at_home: Home) -> None:
    assert at_home.bucket is not None
    good = upload(at_home.paths)
    bad = grow(at_home, full=True)
    at_home.bucket.client.remove_object(
        at_home.bucket.name, f"systems/laptop/uploads/{bad}/reflection.duckdb"
    )
    plan = prune_uploads(at_home, Keep(last=1))
    assert list(plan.kept) == [good]
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == good


def test_another_machines_uploads_under_the_same_name_stay_until_the_name_is_given(
    at_home: Home, tmp_path: Path
) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    other = another_machine(at_home, tmp_path)
    theirs = [upload(other.paths), grow(other, full=True)]
    newest = grow(at_home, full=True)
    plan = prune_uploads(at_home, Keep(last=1))
    assert list(plan.kept) == [newest]
    assert len(plan.removed) == 1
    assert complete_uploads(at_home) == {newest, *theirs}
    (note,) = plan.notes
    assert note.startswith("2 uploads of laptop are not known to be this machine's, and stayed")
    assert f"machine {machine_id(other)[:8]}, last at " in note
    assert note.endswith("akosha-hook prune --system laptop")
    named = prune_uploads(at_home, Keep(last=1), system_id="laptop")
    # Each machine keeps its own newest: they are not copies of each other.
    assert complete_uploads(at_home) == set(named.kept) == {newest, theirs[1]}
    assert named.notes == ()


def test_other_machines_uploads_never_push_out_ours(at_home: Home, tmp_path: Path) -> None:
    ours = [upload(at_home.paths), grow(at_home)]
    other = another_machine(at_home, tmp_path)
    theirs = {upload(other.paths)} | {grow(other) for _ in range(3)}
    plan = prune_uploads(at_home, Keep(last=2))
    assert set(plan.kept) == set(ours)
    assert complete_uploads(at_home) == {*ours, *theirs}


def test_an_upload_whose_manifest_was_overwritten_is_left_alone_and_said(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    newest = grow(at_home, full=True)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["tool"] = "somebody"
    write_manifest(at_home.bucket, first, document)
    plan = prune_uploads(at_home, Keep(last=1))
    assert plan.nothing_to_do
    assert plan.notes == (
        f"{first} was left alone: its manifest is not the one that this machine stored.",
    )
    assert complete_uploads(at_home) == {first, newest}


def test_what_another_machines_upload_refers_to_stays(at_home: Home) -> None:
    """Nothing of ours does that; whatever is written there could not be restored without it."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    newest = grow(at_home, full=True)
    document = read_manifest(at_home.bucket, first)
    document["metadata"] |= {"machine_id": "another", "upload_id": "x"}
    put(
        at_home.bucket,
        "systems/laptop/uploads/x/manifest.json",
        json.dumps(document).encode(),
    )
    plan = prune_uploads(at_home, Keep(last=1))
    assert {each.upload_id for each in plan.removed} == {first}
    assert plan.objects == ()
    assert complete_uploads(at_home) == {newest, "x"}


def test_what_is_younger_than_an_hour_stays(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    newest = grow(at_home, full=True)
    keys = at_home.bucket.object_keys()
    for name in ("", "laptop"):
        plan = prune_uploads(at_home, Keep(last=1), system_id=name, hours=0)
        assert plan.kept[first] == "younger than an hour"
        assert plan.nothing_to_do
    assert at_home.bucket.object_keys() == keys
    assert list(prune_uploads(at_home, Keep(last=1)).kept) == [newest]


def test_other_systems_are_left_alone_until_named(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    grow(at_home, full=True)
    at_home.configure(akosha_system_id="desktop")
    upload(at_home.paths)
    grow(at_home, full=True)
    others = at_home.bucket.object_keys("systems/laptop/")
    prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys("systems/laptop/") == others
    assert len(at_home.bucket.object_keys("systems/desktop/")) == 3
    prune_uploads(at_home, Keep(last=1), system_id="laptop")
    assert len(at_home.bucket.object_keys("systems/laptop/")) == 3
    with pytest.raises(AkoshaHookError, match="Nothing is stored for nobody"):
        prune_uploads(at_home, Keep(last=1), system_id="nobody")


def test_what_overwrote_a_manifest_of_ours_stops_nothing(at_home: Home) -> None:
    """It stays, with all that the receipt says the upload refers to."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    spoilt = grow(at_home)
    gone = grow(at_home, full=True)
    newest = grow(at_home)
    put(at_home.bucket, f"systems/laptop/uploads/{spoilt}/manifest.json", b"{")
    plan = prune_uploads(at_home, Keep(last=1))
    assert {each.upload_id for each in plan.removed} == {first, gone}
    assert complete_uploads(at_home) == {newest}
    (note,) = plan.notes
    assert note.startswith(f"{spoilt} was left alone: its manifest is not the one")
    keys = at_home.bucket.object_keys()
    (receipt,) = [
        each for each in Receipts(at_home.paths).newest_first() if each.upload_id == spoilt
    ]
    for each in receipt.files:
        assert each.key in keys
        assert each.delta is None or each.delta.base_key in keys


def test_a_manifest_of_ours_that_cannot_be_read_stops_it(at_home: Home) -> None:
    """What it refers to is not known: a newer version has written it, or the keys may not read it."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    grow(at_home)
    document = read_manifest(at_home.bucket, first)
    document["metadata"]["schema"] = 99
    write_manifest(at_home.bucket, first, document, stored_by=at_home.paths)
    for receipt in at_home.paths.receipts.glob(f"{first}*"):
        receipt.unlink()
    keys = at_home.bucket.object_keys()
    with pytest.raises(DamagedError, match="Nothing was deleted"):
        prune_uploads(at_home, Keep(last=1))
    assert at_home.bucket.object_keys() == keys


def test_another_machines_manifest_that_cannot_be_read_stops_nothing(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    newest = grow(at_home)
    put(at_home.bucket, "systems/laptop/uploads/another/manifest.json", b"{")
    plan = prune_uploads(at_home, Keep(last=1))
    assert len(plan.removed) == 1
    assert complete_uploads(at_home) == {newest}
    assert "systems/laptop/uploads/another/manifest.json" in at_home.bucket.object_keys()
    with pytest.raises(DamagedError, match="Nothing was deleted"):
        prune_uploads(at_home, Keep(last=1), system_id="laptop")


HALF = "20200101_000000_laptop_0a0a0a"


def begin(home: Home, upload_id: str) -> None:
    """An upload that this state has begun: it is in the ledger."""
    ledger = Ledger(home.paths)
    me = machine_id(home)
    ledger.add(Entry(upload=upload_id, system="laptop", machine=me, store="", sha256=NO_MANIFEST))


def test_an_incomplete_upload_goes_when_it_is_old(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    begin(at_home, HALF)
    half = f"systems/laptop/uploads/{HALF}/reflection.duckdb"
    put(at_home.bucket, half, b"half")
    prune_uploads(at_home, Keep(last=1))
    assert half in at_home.bucket.object_keys()
    plan = prune_uploads(at_home, Keep(last=1), hours=25)
    assert [each.upload_id for each in plan.abandoned] == [HALF]
    assert half not in at_home.bucket.object_keys()
    assert Ledger(at_home.paths).entry(HALF) is None


def test_an_incomplete_upload_of_nobody_knows_whom_goes_only_by_the_systems_name(
    at_home: Home,
) -> None:
    """It may be in the middle of a slow network's second week."""
    assert at_home.bucket is not None
    upload(at_home.paths)
    half = f"systems/laptop/uploads/{HALF}/reflection.duckdb"
    put(at_home.bucket, half, b"half")
    plan = prune_uploads(at_home, Keep(last=1), hours=25)
    assert half in at_home.bucket.object_keys()
    assert "1 upload of laptop is not known to be this machine's" in plan.notes[0]
    prune_uploads(at_home, Keep(last=1), system_id="laptop", hours=25)
    assert half not in at_home.bucket.object_keys()


@pytest.mark.parametrize("system_id", ["", "laptop"])
def test_the_last_good_copy_of_a_database_that_the_latest_upload_lacks_stays(
    at_home: Home, system_id: str
) -> None:
    upload(at_home.paths)
    good = grow(at_home, full=True)
    for _ in range(2):
        newest = grow(at_home, full=True)
        without(at_home, newest, "knowledge_graph.duckdb")
    plan = prune_uploads(at_home, Keep(last=1), system_id=system_id)
    assert plan.kept == {
        newest: "newest, last",
        good: "last good copy of knowledge_graph.duckdb",
    }
    assert complete_uploads(at_home) == {newest, good}
    request = RestoreRequest(good, names=("knowledge_graph.duckdb",))
    assert restore.verify(request, context(at_home.paths)).plan.upload.upload_id == good


def test_the_newest_copy_of_a_database_that_is_gone_stays_though_its_upload_lacks_another(
    at_home: Home, tmp_path: Path
) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    graph, reflection = (
        at_home.paths.data / each for each in ("knowledge_graph.duckdb", "reflection.duckdb")
    )
    graph.write_bytes(reflection.read_bytes())
    second = grow(at_home)
    newest = reflection.read_bytes()
    # The newest complete upload is the first one then.
    for key in at_home.bucket.object_keys():
        if second in key and "knowledge_graph" in key:
            at_home.bucket.client.remove_object(at_home.bucket.name, key)
    reflection.unlink()
    plan = prune_uploads(at_home, Keep(last=1))
    assert plan.kept == {
        second: "last good copy of reflection.duckdb",
        first: "newest, last",
    }
    assert plan.removed == ()
    syncing.run(syncing.Request(full=True), context(at_home.paths), Receipts(at_home.paths))
    to = tmp_path / "restored"
    request = RestoreRequest(names=("reflection.duckdb",), to=to)
    restore.restore(request, context(at_home.paths))
    assert (to / "reflection.duckdb").read_bytes() == newest


def test_a_database_that_was_forgotten_is_not_missed(at_home: Home) -> None:
    upload(at_home.paths)
    newest = grow(at_home, full=True)
    without(at_home, newest, "knowledge_graph.duckdb")
    forgotten.add(at_home.paths, "knowledge_graph.duckdb")
    assert list(prune_uploads(at_home, Keep(last=1)).kept) == [newest]


def test_a_state_that_has_a_copy_takes_a_new_id_and_deletes_nothing(
    at_home: Home, tmp_path: Path
) -> None:
    """Two homes on one host: no fingerprint tells them apart."""
    first = upload(at_home.paths)
    copy = copy_of(at_home, tmp_path)
    theirs = grow(copy)
    newest = grow(at_home)
    before = machine_id(at_home)
    plan = prune_uploads(at_home, Keep(last=1))
    assert plan.nothing_to_do
    assert plan.notes[0].startswith(f"{theirs} bears this machine's id, but this machine has no")
    assert machine_id(at_home) not in {before, machine_id(copy)}
    assert complete_uploads(at_home) == {first, theirs, newest}
    # What it stored stays its own; what the copy's uploads need stays, whoever stored it.
    assert list(prune_uploads(at_home, Keep(last=1)).kept) == [newest]
    assert complete_uploads(at_home) == {theirs, newest}
    after = grow(at_home)
    assert list(prune_uploads(at_home, Keep(last=1)).kept) == [after]


def test_what_a_copy_finds_begun_is_not_its_to_abort(
    at_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    on_host(monkeypatch, tmp_path, "original")
    upload(at_home.paths)
    here = context(at_home.paths)
    bucket = open_client(here, RetryPolicy(max_retries=0, backoff_seconds=0, deadline=Deadline(60)))
    key = f"systems/laptop/uploads/{HALF}/x.duckdb"
    begun = bucket.create_multipart(key, {})
    begin(at_home, HALF)
    receipts = Receipts(at_home.paths)
    failed = msgspec.structs.replace(
        receipts.newest_first()[0], upload_id=HALF, state="failed", success=False, error="no"
    )
    journal = receipts.new_journal(HALF, "")
    journal.partial["x.duckdb"] = PartialUpload(
        key=key, multipart_id=begun, part_size=5 << 20, codec="identity", sha256=""
    )
    journal.save()
    receipts.closed(failed, journal)
    copy = copy_of(at_home, tmp_path)
    on_host(monkeypatch, tmp_path, "copy")
    assert prune_uploads(copy, Keep(last=1)).unfinished == ()
    assert at_home.bucket.open_uploads() == 1
    on_host(monkeypatch, tmp_path, "original")
    assert prune_uploads(at_home, Keep(last=1)).unfinished == ((key, begun),)
    assert at_home.bucket.open_uploads() == 0


def test_abandoned_multipart_uploads_of_this_system_are_aborted(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    here = context(at_home.paths)
    policy = RetryPolicy(max_retries=0, backoff_seconds=0, deadline=Deadline(60))
    bucket = open_client(here, policy)
    begin(at_home, HALF)
    bucket.create_multipart(f"systems/laptop/uploads/{HALF}/x.duckdb", {})
    # Of a machine that may be at work on its first upload under this name.
    bucket.create_multipart("systems/laptop/uploads/20200101_000000_laptop/x.duckdb", {})
    bucket.create_multipart("systems/other/uploads/20200101_000000_other/x.duckdb", {})
    assert at_home.bucket.open_uploads() == 3
    plan = prune_uploads(at_home, Keep(last=1))
    assert [key for key, _ in plan.unfinished] == [f"systems/laptop/uploads/{HALF}/x.duckdb"]
    assert at_home.bucket.open_uploads() == 2
    assert prune_uploads(at_home, Keep(last=1), system_id="laptop").unfinished == ()
    plan = prune_uploads(at_home, Keep(last=1), system_id="laptop", hours=25)
    assert [key for key, _ in plan.unfinished] == [
        "systems/laptop/uploads/20200101_000000_laptop/x.duckdb"
    ]
    assert at_home.bucket.open_uploads() == 1
    # Another system's may be running on another machine right now.
    put(at_home.bucket, "systems/other/uploads/20200101_000000_other/x", b"x")
    assert prune_uploads(at_home, Keep(last=1), system_id="other").unfinished == ()
