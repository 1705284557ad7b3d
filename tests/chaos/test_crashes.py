"""Killed anywhere, the next event or sync finishes the job, and nothing is left behind."""

from __future__ import annotations

import os
import random

import msgspec
import pytest

from tests.support.faults import error
from tests.support.faulty_home import MIB, FaultyHome, write_database

BIG = 16 * MIB


@pytest.mark.parametrize(
    ("operation", "first", "carried_out", "sent_again"),
    [
        ("ListObjects", 1, False, [1, 2, 3, 4]),
        ("CreateMultipartUpload", 1, True, [1, 2, 3, 4]),
        ("UploadPart", 1, False, [1, 2, 3, 4]),
        ("UploadPart", 2, True, [2, 3, 4]),
        ("UploadPart", 4, False, [4]),
        ("CompleteMultipartUpload", 1, False, []),
        ("CompleteMultipartUpload", 1, True, []),
        ("PutManifest", 1, False, []),
        ("PutManifest", 1, True, []),
    ],
)
def test_a_killed_upload_is_finished_on_the_same_bytes(
    faulty_home: FaultyHome, operation: str, first: int, carried_out: bool, sent_again: list[int]
) -> None:
    """And then the newest state is taken, since the database changed meanwhile."""
    faulty_home.configure(akosha_parallel_uploads=1)
    frozen = faulty_home.write(BIG, seed=1)
    faulty_home.happen()
    faulty_home.killed_at(operation, first=first, carried_out=carried_out)
    visible = 1 if operation == "PutManifest" and carried_out else 0
    assert len(faulty_home.manifests()) == visible
    before = len(faulty_home.network.parts())
    newest = faulty_home.write(MIB, seed=2)
    faulty_home.happen()
    faulty_home.run_loop()
    if operation == "ListObjects":
        # The upload had not started: there is nothing to finish.
        sent_again = []
    else:
        assert faulty_home.files_of(faulty_home.manifests()[0]) == {"reflection.duckdb": frozen}
    assert faulty_home.network.parts()[before:] == sent_again
    assert faulty_home.stored() == {"reflection.duckdb": newest}
    faulty_home.every_manifest_is_whole()
    faulty_home.nothing_is_left()


@pytest.mark.parametrize(
    ("operation", "first", "carried_out", "sent_again"),
    [
        ("HeadObject", 1, False, [1, 2]),
        ("CreateMultipartUpload", 1, True, [1, 2]),
        ("UploadPart", 2, True, [2]),
        ("CompleteMultipartUpload", 1, False, []),
        ("CompleteMultipartUpload", 1, True, []),
        ("PutManifest", 1, False, []),
        ("PutManifest", 1, True, []),
    ],
)
def test_a_killed_delta_is_finished_on_the_same_bytes(
    faulty_home: FaultyHome, operation: str, first: int, carried_out: bool, sent_again: list[int]
) -> None:
    faulty_home.configure(akosha_parallel_uploads=1, akosha_enable_delta=True)
    base = faulty_home.write(18 * MIB, seed=1)
    assert faulty_home.sync().success
    middle = 6 * MIB
    frozen = base[:middle] + random.Random(2).randbytes(middle - MIB // 2)
    frozen += base[len(frozen) :]
    faulty_home.database.write_bytes(frozen)
    faulty_home.happen()
    faulty_home.killed_at(operation, first=first, carried_out=carried_out)
    before = len(faulty_home.network.parts())
    newest = frozen[:100] + b"newest" + frozen[106:]
    faulty_home.database.write_bytes(newest)
    faulty_home.happen()
    faulty_home.run_loop()
    assert faulty_home.files_of(faulty_home.manifests()[1]) == {"reflection.duckdb": frozen}
    assert faulty_home.stored() == {"reflection.duckdb": newest}
    # The delta of the newest state takes two parts as well.
    assert faulty_home.network.parts()[before:] == [*sent_again, 1, 2]
    _, *later = faulty_home.manifests()
    bases = [each["metadata"]["files"][0]["delta"]["base_key"] for each in later]
    assert set(bases) == {faulty_home.manifests()[0]["metadata"]["files"][0]["key"]}
    faulty_home.every_manifest_is_whole()
    faulty_home.nothing_is_left()


@pytest.mark.parametrize("lost", ["object", "base", "age"])
def test_what_was_stored_before_the_interruption_is_sent_again_if_it_is_gone_or_old(
    faulty_home: FaultyHome, lost: str
) -> None:
    """An interruption may last for weeks, and a lifecycle rule may have come by."""
    faulty_home.configure(akosha_enable_delta=True, akosha_max_retries=0)
    faulty_home.write(MIB, seed=1)
    write_database(faulty_home.paths.data / "second.duckdb", MIB, seed=2)
    faulty_home.configure(akosha_databases=["reflection.duckdb", "second.duckdb"])
    assert faulty_home.sync().success
    (base,) = [key for key in faulty_home.store.object_keys() if key.endswith("/reflection.duckdb")]
    frozen = faulty_home.database.read_bytes()[:-1] + b"!"
    faulty_home.database.write_bytes(frozen)
    second = write_database(faulty_home.paths.data / "second.duckdb", MIB, seed=3)
    faulty_home.network.on("PutObject", fault=error(503, "SlowDown"), first=2)
    assert not faulty_home.sync().success
    faulty_home.network.heal()
    interrupted = next(each for each in faulty_home.receipts() if each.state == "uploading")
    journal = faulty_home.journal(interrupted)
    (stored,) = journal.stored.values()
    assert stored.delta is not None
    if lost == "age":
        old = msgspec.structs.replace(stored, stored_at=stored.stored_at - 30 * 86_400)
        journal.stored[old.name] = old
        journal.save()
    else:
        key = {"object": stored.key, "base": base}[lost]
        faulty_home.store.client.remove_object(faulty_home.store.name, key)
    faulty_home.network.asked.clear()
    assert faulty_home.sync().success
    assert faulty_home.network.operations("PutObject") == ["PutObject", "PutObject"]
    assert len(faulty_home.manifests()) == 2
    assert faulty_home.stored() == {"reflection.duckdb": frozen, "second.duckdb": second}
    faulty_home.nothing_is_left()


def test_a_kill_in_the_middle_of_a_snapshot_leaves_nothing(faulty_home: FaultyHome) -> None:
    content = faulty_home.write(BIG)
    snapshot = faulty_home.paths.snapshots / "20260101_000000-1"
    snapshot.mkdir(parents=True)
    (snapshot / "reflection.duckdb").write_bytes(content[:100])
    faulty_home.happen()
    faulty_home.run_loop()
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_a_snapshot_that_a_power_cut_left_with_holes_is_not_uploaded(
    faulty_home: FaultyHome,
) -> None:
    content = faulty_home.write(BIG, seed=1)
    faulty_home.interrupted_at_part(3)
    (frozen,) = faulty_home.paths.snapshots.glob("*/reflection.duckdb")
    with frozen.open("r+b") as file:
        file.seek(MIB)
        file.write(bytes(MIB))
    assert faulty_home.sync().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.every_manifest_is_whole()
    faulty_home.nothing_is_left()


def test_a_stored_part_that_is_not_what_would_be_sent_is_sent_again(
    faulty_home: FaultyHome,
) -> None:
    """As after an update of the compressor that makes other bytes under the same name."""
    content = faulty_home.write(BIG)
    receipt = faulty_home.interrupted_at_part(3)
    journal = faulty_home.journal(receipt)
    (partial,) = journal.partial.values()
    assert sorted(partial.parts) == [1, 2]
    partial.parts[2] = msgspec.structs.replace(partial.parts[2], md5="0" * 32)
    journal.save()
    before = len(faulty_home.network.parts())
    assert faulty_home.sync().success
    assert faulty_home.network.parts()[before:] == [2, 3, 4]
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_what_the_server_forgot_is_started_over(faulty_home: FaultyHome) -> None:
    content = faulty_home.write(BIG)
    receipt = faulty_home.interrupted_at_part(3)
    (partial,) = faulty_home.journal(receipt).partial.values()
    faulty_home.store.client._abort_multipart_upload(
        faulty_home.store.name, partial.key, partial.multipart_id
    )
    assert faulty_home.sync().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_temporary_files_of_killed_writers_go_and_those_of_others_stay(
    faulty_home: FaultyHome,
) -> None:
    faulty_home.write()
    faulty_home.paths.receipts.mkdir(parents=True)
    dead = 2**22 - 3
    for name in (f".machine.json.{dead}.0a0a0a0a.tmp", f"receipts/.x.json.{dead}.0a0a0a0a.tmp"):
        (faulty_home.paths.state / name).write_text("{")
    alive = faulty_home.paths.state / f".notice.json.{os.getppid()}.0a0a0a0a.tmp"
    alive.write_text("{")
    assert faulty_home.sync().success
    assert list(faulty_home.paths.state.rglob("*.tmp")) == [alive]
