"""Which upload is restored: the newest, one by name, or the newest by then."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from akosha_hook import catalog, restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore import RestoreRequest
from tests.support.duck import change
from tests.support.home import Home
from tests.support.machines import another_machine, copy_of, machine_id
from tests.support.recovery import (
    contents,
    context,
    manifest_key,
    put,
    read_manifest,
    upload,
    write_manifest,
)


def test_the_latest_is_the_highest_sequence_whatever_the_clock_said(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    document = read_manifest(at_home.bucket, second)
    document["uploaded_at"] = "2020-01-01T00:00:00+00:00"
    write_manifest(at_home.bucket, second, document, stored_by=at_home.paths)
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == second
    assert first != second


def test_at_takes_the_newest_upload_made_by_then(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    document = read_manifest(at_home.bucket, first)
    document["uploaded_at"] = "2021-01-01T00:00:00+00:00"
    write_manifest(at_home.bucket, first, document, stored_by=at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    upload(at_home.paths)
    when = dt.datetime(2021, 1, 2, tzinfo=dt.UTC)
    assert (
        restore.restore(RestoreRequest(at=when), context(at_home.paths)).plan.upload.upload_id
        == first
    )
    with pytest.raises(AkoshaHookError, match="the first upload there is was made at 2021-01-01"):
        restore.restore(RestoreRequest(at=when - dt.timedelta(days=9)), context(at_home.paths))


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


def test_an_incomplete_upload_is_passed_over_and_refused_by_name(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    put(at_home.bucket, "systems/laptop/uploads/29990101_000000_laptop/reflection.duckdb", b"half")
    assert restore.restore(RestoreRequest(), context(at_home.paths)).plan.upload.upload_id == first
    with pytest.raises(DamagedError, match="never completed"):
        restore.restore(RestoreRequest("29990101_000000_laptop"), context(at_home.paths))
    with pytest.raises(AkoshaHookError, match="There is no upload 2001"):
        restore.restore(RestoreRequest("2001"), context(at_home.paths))


def test_one_that_was_pruned_is_not_said_to_have_never_been_completed(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    upload(at_home.paths, full=True)
    manifest = f"systems/laptop/uploads/{first}/manifest.json"
    at_home.bucket.client.remove_object(at_home.bucket.name, manifest)
    with pytest.raises(DamagedError, match="it was pruned, or never completed") as caught:
        restore.restore(RestoreRequest(first), context(at_home.paths))
    assert caught.value.hint.startswith("akosha-hook ls --system laptop")


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


@pytest.mark.parametrize("damage", ["no JSON", "of another upload"])
def test_latest_does_not_pass_over_a_damaged_manifest_in_silence(
    at_home: Home, damage: str
) -> None:
    """It tells no sequence number, so that it is listed last."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    key = manifest_key(at_home.bucket, second)
    whole = at_home.bucket.read(key)
    other = at_home.bucket.read(manifest_key(at_home.bucket, first))
    put(at_home.bucket, key, whole[:100] if damage == "no JSON" else other)
    planned = restore.plan(
        catalog.open_to_read(context(at_home.paths)), RestoreRequest(), context(at_home.paths)
    )
    assert planned.upload.upload_id == first
    assert [each.upload_id for each in planned.passed_over] == [second]
    assert f"{second} is newer and was passed over: " in planned.notes[0]
    # An older one that is damaged is nobody's concern here.
    put(at_home.bucket, key, whole)
    put(at_home.bucket, manifest_key(at_home.bucket, first), b"{")
    planned = restore.plan(
        catalog.open_to_read(context(at_home.paths)), RestoreRequest(), context(at_home.paths)
    )
    assert (planned.upload.upload_id, planned.passed_over) == (second, ())


def test_latest_is_this_machines_own_and_a_newer_one_of_another_is_said(
    at_home: Home, tmp_path: Path
) -> None:
    ours = upload(at_home.paths)
    other = another_machine(at_home, tmp_path)
    upload(other.paths)
    change(other.paths.data / "reflection.duckdb", 5)
    theirs = upload(other.paths)
    name = machine_id(other)[:8]
    here = context(at_home.paths)
    result = restore.restore(RestoreRequest(), here)
    assert (result.plan.upload.upload_id, result.plan.whose) == (ours, "own")
    (note,) = result.notes
    assert note == (
        f"{theirs} and 1 more are newer, but not known to be this machine's. To take the newest of "
        f"machine {name}: akosha-hook restore --machine {name}"
    )
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert restore.verify(RestoreRequest(at=later), here).plan.upload.upload_id == ours
    verified = restore.verify(RestoreRequest(machine=name), here)
    assert (verified.plan.upload.upload_id, verified.plan.whose) == (theirs, "other")


def test_a_new_machine_takes_the_newest_and_is_told_what_is_not_known(
    at_home: Home, tmp_path: Path
) -> None:
    first = upload(at_home.paths)
    second = another_machine(at_home, tmp_path / "second")
    newest = upload(second.paths)
    new = another_machine(at_home, tmp_path / "new")
    shutil.rmtree(new.paths.data)
    result = restore.restore(RestoreRequest(), context(new.paths))
    assert result.plan.upload.upload_id == newest != first
    unknown, machines = result.notes
    assert unknown == (
        f"This machine has no record of any upload as laptop, so whether {newest} is its own is "
        "not known."
    )
    assert machines == (
        f"2 machines have uploaded as laptop; {newest} is the newest of all. To take one's: "
        f"--machine ID ({machine_id(second)[:8]}, {machine_id(at_home)[:8]})"
    )


def test_the_machine_asked_for_has_to_be_there_and_only_one(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    for machine in ("abc1", "abc2"):
        document = read_manifest(at_home.bucket, first)
        document["metadata"] |= {"machine_id": machine, "upload_id": machine}
        key = f"systems/laptop/uploads/{machine}/manifest.json"
        put(at_home.bucket, key, json.dumps(document).encode())
    here = context(at_home.paths)
    with pytest.raises(AkoshaHookError, match="several machines' ids: abc1, abc2"):
        restore.verify(RestoreRequest(machine="abc"), here)
    assert restore.verify(RestoreRequest(machine="abc2"), here).plan.upload.upload_id == "abc2"
    with pytest.raises(
        AkoshaHookError, match="begins with xyz made any of these uploads"
    ) as caught:
        restore.verify(RestoreRequest(machine="xyz"), here)
    assert "abc1" in caught.value.message
    with pytest.raises(AkoshaHookError, match="begins with abc made " + first):
        restore.verify(RestoreRequest(first, machine="abc"), here)


def test_an_upload_that_somebody_overwrote_is_passed_over_and_said(at_home: Home) -> None:
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    document = read_manifest(at_home.bucket, second)
    document["metadata"]["sequence"] += 1
    write_manifest(at_home.bucket, second, document)
    result = restore.verify(RestoreRequest(), context(at_home.paths))
    assert result.plan.upload.upload_id == first
    (note,) = result.notes
    assert note == (
        f"{second} is newer and was passed over: its manifest is not the one that this machine "
        "stored."
    )


def test_a_copy_of_the_state_is_said_and_changes_nothing(at_home: Home, tmp_path: Path) -> None:
    ours = upload(at_home.paths)
    copy = copy_of(at_home, tmp_path)
    change(copy.paths.data / "reflection.duckdb", 5)
    theirs = upload(copy.paths)
    before = machine_id(at_home)
    result = restore.verify(RestoreRequest(), context(at_home.paths))
    assert result.plan.upload.upload_id == ours
    assert f"{theirs} bears this machine's id" in result.notes[-1]
    assert machine_id(at_home) == before


def test_where_none_of_our_own_is_whole_anothers_is_taken_only_where_it_is_named(
    at_home: Home, tmp_path: Path
) -> None:
    assert at_home.bucket is not None
    ours = upload(at_home.paths)
    lost = f"systems/laptop/uploads/{ours}/reflection.duckdb"
    at_home.bucket.client.remove_object(at_home.bucket.name, lost)
    other = another_machine(at_home, tmp_path)
    theirs = upload(other.paths)
    note = (
        f"None of this machine's own uploads can be restored; {theirs} is not known to be its own."
    )
    shutil.rmtree(at_home.paths.data)
    with pytest.raises(DamagedError) as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert caught.value.message == note
    named = machine_id(other)[:8]
    assert f"akosha-hook restore {theirs} --machine {named}" in caught.value.hint
    assert not at_home.paths.data.exists()
    result = restore.verify(RestoreRequest(force=True), context(at_home.paths))
    assert (result.plan.upload.upload_id, result.notes) == (theirs, (note,))
    result = restore.verify(RestoreRequest(machine=named), context(at_home.paths))
    assert (result.plan.upload.upload_id, result.notes) == (theirs, ())
    restore.restore(RestoreRequest(theirs, machine=named), context(at_home.paths))
    assert contents(at_home.paths.data) == contents(other.paths.data)
