"""Every upload looked at without its data: one listing, the manifests, and what the newest refers to."""

from __future__ import annotations

import json

import pytest

from akosha_hook import catalog
from akosha_hook.errors import AkoshaHookError, DamagedError
from akosha_hook.restore import AllUploads, check_uploads
from tests.support import faults
from tests.support.duck import change
from tests.support.faults import faulty_proxy
from tests.support.home import Home
from tests.support.recovery import (
    context,
    manifest_key,
    put,
    read_manifest,
    upload,
    write_manifest,
)
from tests.support.s3 import TestBucket


def checked(home: Home, system_id: str = "laptop") -> AllUploads:
    here = context(home.paths)
    return check_uploads(catalog.open_to_read(here), system_id, here)


def problems(home: Home) -> dict[str, str]:
    return {each.upload.upload_id: each.problem for each in checked(home).damaged}


def bucket_of(home: Home) -> TestBucket:
    assert home.bucket is not None
    return home.bucket


def two_uploads(home: Home) -> tuple[str, str]:
    first = upload(home.paths)
    change(home.paths.data / "reflection.duckdb", 5)
    return first, upload(home.paths)


def test_where_all_is_there_nothing_is_damaged(at_home: Home) -> None:
    first, second = two_uploads(at_home)
    found = checked(at_home)
    assert [each.upload.upload_id for each in found.uploads] == [second, first]
    assert (found.damaged, found.unfinished, found.notes) == ((), (), ())
    # Two databases, and one of them again.
    assert (found.objects, len(found.machines), found.is_read) == (3, 1, False)


def test_an_object_that_is_gone_damages_every_upload_that_refers_to_it(at_home: Home) -> None:
    first, second = two_uploads(at_home)
    key = f"systems/laptop/uploads/{first}/knowledge_graph.duckdb"
    bucket_of(at_home).client.remove_object(bucket_of(at_home).name, key)
    assert problems(at_home) == dict.fromkeys(
        (first, second), f"{key} is not in the bucket as its manifest says"
    )


def test_a_base_of_another_size_damages_its_deltas(at_home: Home) -> None:
    first = upload(at_home.paths)
    document = read_manifest(bucket_of(at_home), first)
    second = upload(at_home.paths, full=True)
    base, file = document["metadata"]["files"][0], f"systems/laptop/uploads/{second}/"
    newer = read_manifest(bucket_of(at_home), second)
    newer["metadata"]["files"][0]["delta"] = {
        "base_key": base["key"],
        "base_sha256": base["sha256"],
        "base_size": base["size"],
        "base_stored_size": base["stored_size"] + 1,
    }
    at_home.paths.ledger.unlink()
    write_manifest(bucket_of(at_home), second, newer)
    assert file in newer["metadata"]["files"][0]["key"]
    assert problems(at_home) == {second: f"{base['key']} is not in the bucket as its manifest says"}


@pytest.mark.parametrize("which", [0, 1], ids=["older", "newest"])
def test_another_object_of_the_same_size_is_noticed_in_the_newest(
    at_home: Home, which: int
) -> None:
    """What a listing tells is the size alone; the others are for --read-data to prove."""
    both = (upload(at_home.paths), upload(at_home.paths, full=True))
    key = f"systems/laptop/uploads/{both[which]}/reflection.duckdb"
    size = len(bucket_of(at_home).read(key))
    put(bucket_of(at_home), key, b"x" * size, {"sha256": "0" * 64})
    found = problems(at_home)
    if which == 1:
        assert found == {both[1]: f"{key} is another object than the one that was stored"}
    else:
        assert found == {}


def test_a_manifest_that_somebody_else_wrote_over_ours_is_noticed(at_home: Home) -> None:
    first, _ = two_uploads(at_home)
    document = read_manifest(bucket_of(at_home), first)
    document["conversation_count"] = 0
    write_manifest(bucket_of(at_home), first, document)
    assert problems(at_home) == {first: "its manifest is not the one that this machine stored"}


def test_a_manifest_that_cannot_be_read_is_damage_of_the_newest(at_home: Home) -> None:
    _, second = two_uploads(at_home)
    put(bucket_of(at_home), manifest_key(bucket_of(at_home), second), b"{")
    found = checked(at_home)
    assert found.uploads[0].upload.upload_id == second
    assert "cannot be read" in found.uploads[0].problem


def test_uploads_of_other_machines_count_and_unfinished_ones_do_not(at_home: Home) -> None:
    first = upload(at_home.paths)
    document = read_manifest(bucket_of(at_home), first)
    theirs = "20260101_000000_laptop_aaaaaa"
    document["metadata"] |= {"machine_id": "other", "upload_id": theirs, "sequence": 1}
    put(
        bucket_of(at_home),
        f"systems/laptop/uploads/{theirs}/manifest.json",
        json.dumps(document).encode(),
    )
    half = "20260102_000000_laptop_bbbbbb"
    put(bucket_of(at_home), f"systems/laptop/uploads/{half}/reflection.duckdb", b"half")
    found = checked(at_home)
    assert [each.upload.upload_id for each in found.uploads] == [first, theirs]
    assert (len(found.machines), found.unfinished, found.damaged) == (2, (half,), ())


def test_nothing_stored_and_nothing_finished_are_errors(at_home: Home) -> None:
    with pytest.raises(AkoshaHookError, match="Nothing is stored for laptop"):
        checked(at_home)
    put(bucket_of(at_home), "systems/laptop/uploads/20260101_000000_laptop/a.duckdb", b"half")
    with pytest.raises(DamagedError, match="no finished upload"):
        checked(at_home)


def test_an_upload_that_is_pruned_meanwhile_is_left_out(at_home: Home) -> None:
    first, second = upload(at_home.paths), upload(at_home.paths, full=True)
    bucket = bucket_of(at_home)
    key = f"systems/laptop/uploads/{second}/reflection.duckdb"
    bucket.client.remove_object(bucket.name, key)
    manifest = manifest_key(bucket, second)

    def prune(exchange: faults.Exchange) -> None:
        bucket.client.remove_object(bucket.name, manifest)
        faults.passed(exchange)

    with faulty_proxy(bucket.server.endpoint) as network:
        network.on("HeadManifest", fault=prune)
        at_home.configure(akosha_cloud_endpoint=network.url)
        found = checked(at_home)
    assert [each.upload.upload_id for each in found.uploads] == [first]
    assert found.damaged == ()
    assert found.notes == (f"Deleted while this ran, and left out: {second}.",)


def test_keys_that_may_not_look_leave_a_note(at_home: Home) -> None:
    upload(at_home.paths)
    with faulty_proxy(bucket_of(at_home).server.endpoint) as network:
        network.on("HeadObject", fault=faults.error(403, "AccessDenied"))
        at_home.configure(akosha_cloud_endpoint=network.url)
        found = checked(at_home)
    assert found.damaged == ()
    assert "no hashes were compared" in found.notes[0]
