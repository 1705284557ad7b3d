"""Which upload is restored: the newest, one by name, or the newest by then."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest

from akosha_hook import catalog, restore
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore import RestoreRequest
from tests.support.duck import change
from tests.support.home import Home
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
