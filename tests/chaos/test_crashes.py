"""Killed anywhere, the next event or sync finishes the job, and nothing is left behind."""

from __future__ import annotations

import os
import random
import shutil
import uuid
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from akosha_hook import settings
from akosha_hook.settings.fields import Settings
from akosha_hook.state import backoff, identity, notice
from akosha_hook.state import progress_file as watch
from akosha_hook.state.receipt import PartialUpload, Receipt, Target
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import select as selection
from akosha_hook.util.clock import now_iso
from tests.chaos.support import MIB, Patient, write_database
from tests.support.faults import error, lost_answer
from tests.support.s3 import make_bucket

BIG = 16 * MIB
EXAMPLES = int(os.environ.get("AKOSHA_TEST_EXAMPLES", "5"))
STATE_FILES = (
    "machine.json",
    "backoff.json",
    "progress.json",
    "notice.json",
    "regions.json",
    "receipts/done",
    "receipts/uploading",
    "snapshot.json",
)


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
    patient: Patient, operation: str, first: int, carried_out: bool, sent_again: list[int]
) -> None:
    """And then the newest state is taken, since the database changed meanwhile."""
    patient.configure(akosha_parallel_uploads=1)
    frozen = patient.write(BIG, seed=1)
    patient.happen()
    patient.killed_at(operation, first=first, carried_out=carried_out)
    visible = 1 if operation == "PutManifest" and carried_out else 0
    assert len(patient.manifests()) == visible
    before = len(patient.network.parts())
    newest = patient.write(MIB, seed=2)
    patient.happen()
    patient.drain()
    if operation == "ListObjects":
        # Nothing was begun: there is nothing to finish.
        sent_again = []
    else:
        assert patient.files_of(patient.manifests()[0]) == {"reflection.duckdb": frozen}
    assert patient.network.parts()[before:] == sent_again
    assert patient.stored() == {"reflection.duckdb": newest}
    patient.every_manifest_is_whole()
    patient.nothing_is_left()


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
    patient: Patient, operation: str, first: int, carried_out: bool, sent_again: list[int]
) -> None:
    patient.configure(akosha_parallel_uploads=1, akosha_enable_delta=True)
    base = patient.write(18 * MIB, seed=1)
    assert patient.sync().success
    middle = 6 * MIB
    frozen = base[:middle] + random.Random(2).randbytes(middle - MIB // 2)
    frozen += base[len(frozen) :]
    patient.database.write_bytes(frozen)
    patient.happen()
    patient.killed_at(operation, first=first, carried_out=carried_out)
    before = len(patient.network.parts())
    newest = frozen[:100] + b"newest" + frozen[106:]
    patient.database.write_bytes(newest)
    patient.happen()
    patient.drain()
    assert patient.files_of(patient.manifests()[1]) == {"reflection.duckdb": frozen}
    assert patient.stored() == {"reflection.duckdb": newest}
    # The delta of the newest state takes two parts as well.
    assert patient.network.parts()[before:] == [*sent_again, 1, 2]
    _, *later = patient.manifests()
    bases = [each["metadata"]["files"][0]["delta"]["base_key"] for each in later]
    assert set(bases) == {patient.manifests()[0]["metadata"]["files"][0]["key"]}
    patient.every_manifest_is_whole()
    patient.nothing_is_left()


@pytest.mark.parametrize("lost", ["object", "base", "age"])
def test_what_was_stored_before_the_interruption_is_sent_again_if_it_is_gone_or_old(
    patient: Patient, lost: str
) -> None:
    """An interruption may last for weeks, and a lifecycle rule may have come by."""
    patient.configure(akosha_enable_delta=True, akosha_max_retries=0)
    patient.write(MIB, seed=1)
    write_database(patient.paths.data / "second.duckdb", MIB, seed=2)
    patient.configure(akosha_databases=["reflection.duckdb", "second.duckdb"])
    assert patient.sync().success
    (base,) = [key for key in patient.store.object_keys() if key.endswith("/reflection.duckdb")]
    frozen = patient.database.read_bytes()[:-1] + b"!"
    patient.database.write_bytes(frozen)
    second = write_database(patient.paths.data / "second.duckdb", MIB, seed=3)
    patient.network.on("PutObject", fault=error(503, "SlowDown"), first=2)
    assert not patient.sync().success
    patient.network.heal()
    begun = next(each for each in patient.receipts() if each.state == "uploading")
    journal = patient.journal(begun)
    (stored,) = journal.stored.values()
    assert stored.delta is not None
    if lost == "age":
        old = msgspec.structs.replace(stored, stored_at=stored.stored_at - 30 * 86_400)
        journal.stored[old.name] = old
        journal.save()
    else:
        key = {"object": stored.key, "base": base}[lost]
        patient.store.client.remove_object(patient.store.name, key)
    patient.network.asked.clear()
    assert patient.sync().success
    assert patient.network.operations("PutObject") == ["PutObject", "PutObject"]
    assert len(patient.manifests()) == 2
    assert patient.stored() == {"reflection.duckdb": frozen, "second.duckdb": second}
    patient.nothing_is_left()


def test_a_kill_in_the_middle_of_a_snapshot_leaves_nothing(patient: Patient) -> None:
    content = patient.write(BIG)
    snapshot = patient.paths.snapshots / "20260101_000000-1"
    snapshot.mkdir(parents=True)
    (snapshot / "reflection.duckdb").write_bytes(content[:100])
    patient.happen()
    patient.drain()
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_a_snapshot_that_a_power_cut_left_with_holes_is_not_uploaded(patient: Patient) -> None:
    content = patient.write(BIG, seed=1)
    interrupted_at_part(patient, 3)
    (frozen,) = patient.paths.snapshots.glob("*/reflection.duckdb")
    with frozen.open("r+b") as file:
        file.seek(MIB)
        file.write(bytes(MIB))
    assert patient.sync().success
    assert patient.stored() == {"reflection.duckdb": content}
    patient.every_manifest_is_whole()
    patient.nothing_is_left()


def interrupted_at_part(patient: Patient, number: int) -> Receipt:
    """An upload that failed at a part, and can be continued."""
    patient.configure(akosha_parallel_uploads=1, akosha_max_retries=0)
    patient.network.on("UploadPart", fault=error(503, "SlowDown"), first=number)
    assert not patient.sync().success
    patient.network.heal()
    (paper,) = (each for each in patient.receipts() if each.state == "uploading")
    return paper


def test_a_stored_part_that_is_not_what_would_be_sent_is_sent_again(patient: Patient) -> None:
    """As after an update of the compressor that makes other bytes under the same name."""
    content = patient.write(BIG)
    paper = interrupted_at_part(patient, 3)
    (partial,) = paper.partial.values()
    assert sorted(partial.parts) == [1, 2]
    partial.parts[2] = msgspec.structs.replace(partial.parts[2], md5="0" * 32)
    Receipts(patient.paths).save(paper)
    before = len(patient.network.parts())
    assert patient.sync().success
    assert patient.network.parts()[before:] == [2, 3, 4]
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_what_the_server_forgot_is_started_over(patient: Patient) -> None:
    content = patient.write(BIG)
    paper = interrupted_at_part(patient, 3)
    (partial,) = paper.partial.values()
    patient.store.client._abort_multipart_upload(
        patient.store.name, partial.key, partial.multipart_id
    )
    assert patient.sync().success
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_a_snapshot_that_is_gone_costs_a_new_upload_and_the_old_one_is_aborted(
    patient: Patient,
) -> None:
    content = patient.write(BIG)
    interrupted_at_part(patient, 3)
    shutil.rmtree(patient.paths.snapshots)
    assert patient.sync().success
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_an_abandoned_upload_is_aborted_even_when_nothing_has_changed(patient: Patient) -> None:
    first = patient.write(MIB, seed=1)
    assert patient.sync().success
    patient.write(BIG, seed=2)
    interrupted_at_part(patient, 3)
    shutil.rmtree(patient.paths.snapshots)
    patient.database.write_bytes(first)
    assert patient.sync().state == "unchanged"
    patient.nothing_is_left()


def test_a_full_sync_supersedes_the_one_that_was_cut_off(patient: Patient) -> None:
    patient.write(BIG, seed=1)
    cut_off = interrupted_at_part(patient, 3)
    newest = patient.write(MIB, seed=2)
    assert patient.sync(full=True).success
    patient.nothing_is_left()
    assert len(patient.manifests()) == 1
    assert patient.stored() == {"reflection.duckdb": newest}
    superseded = next(each for each in patient.receipts() if each.upload_id == cut_off.upload_id)
    assert "Superseded by" in str(superseded.error)


def test_other_settings_for_parts_start_the_upload_over(patient: Patient) -> None:
    content = patient.write(BIG)
    interrupted_at_part(patient, 3)
    patient.configure(akosha_chunk_size_mb=6)
    assert patient.sync().success
    assert patient.stored() == {"reflection.duckdb": content}
    patient.nothing_is_left()


def test_an_upload_to_another_bucket_waits_a_week_for_its_bucket(patient: Patient) -> None:
    patient.write(BIG, seed=1)
    paper = interrupted_at_part(patient, 3)
    first, patient.bucket = (
        patient.store,
        make_bucket(patient.store.server, f"memories-{uuid.uuid4().hex[:12]}"),
    )
    patient.configure(akosha_cloud_bucket=patient.bucket.name)
    assert patient.sync().success
    assert [each.name for each in patient.paths.snapshots.iterdir()] == [
        patient.journal(paper).snapshot
    ]
    long_ago = "2020-01-01T00:00:00+00:00"
    Receipts(patient.paths).save(msgspec.structs.replace(paper, started=long_ago))
    assert patient.sync().success
    assert list(patient.paths.snapshots.iterdir()) == []
    patient.configure(akosha_cloud_bucket=first.name)
    patient.bucket = first
    patient.write(MIB, seed=2)
    assert patient.sync().success
    patient.nothing_is_left()


def test_a_push_to_akosha_that_was_killed_holds_no_snapshot(patient: Patient) -> None:
    patient.write()
    (patient.paths.snapshots / "cut-off").mkdir(parents=True)
    Receipts(patient.paths).save(
        Receipt(
            upload_id="20260101_000000_vm_http",
            state="uploading",
            method="http",
            success=False,
            system_id="vm",
            started=now_iso(),
            destination=Target(method="http", endpoint="http://127.0.0.1:1"),
            snapshot="cut-off",
        ),
    )
    assert patient.sync().success
    patient.nothing_is_left()


def test_a_denied_abort_is_a_note_and_no_failure(patient: Patient) -> None:
    patient.write(BIG)
    interrupted_at_part(patient, 3)
    shutil.rmtree(patient.paths.snapshots)
    patient.network.on("AbortMultipartUpload", fault=error(403, "AccessDenied"))
    outcome = patient.sync()
    assert outcome.success
    assert outcome.receipt is not None
    assert "could not be aborted (AccessDenied)" in outcome.receipt.notes[0]


def test_an_abort_that_fails_for_now_is_done_next_time(patient: Patient) -> None:
    patient.write(BIG)
    interrupted_at_part(patient, 3)
    shutil.rmtree(patient.paths.snapshots)
    patient.network.on("AbortMultipartUpload", fault=error(503, "SlowDown"))
    assert patient.sync().success
    assert patient.store.open_uploads() == 1
    patient.network.heal()
    assert patient.sync().state == "unchanged"
    patient.nothing_is_left()


def test_a_create_that_was_repeated_leaves_no_second_upload(patient: Patient) -> None:
    patient.write(BIG)
    patient.network.on("CreateMultipartUpload", fault=lost_answer, times=2)
    assert patient.sync().success
    patient.nothing_is_left()


def test_temporary_files_of_killed_writers_go_and_those_of_others_stay(patient: Patient) -> None:
    patient.write()
    patient.paths.receipts.mkdir(parents=True)
    dead = 2**22 - 3
    for name in (f".machine.json.{dead}.0a0a0a0a.tmp", f"receipts/.x.json.{dead}.0a0a0a0a.tmp"):
        (patient.paths.state / name).write_text("{")
    alive = patient.paths.state / f".notice.json.{os.getppid()}.0a0a0a0a.tmp"
    alive.write_text("{")
    assert patient.sync().success
    assert list(patient.paths.state.rglob("*.tmp")) == [alive]


@examples(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(STATE_FILES),
    share=st.floats(0, 1, exclude_max=True),
)
@example(name="receipts/uploading", share=0.0)
@example(name="receipts/uploading", share=0.9)
@example(name="snapshot.json", share=0.5)
@example(name="machine.json", share=0.5)
def test_a_state_file_cut_at_any_byte_is_set_aside_and_rebuilt(
    patient: Patient, name: str, share: float
) -> None:
    """The state is that of an upload that was cut off after another had succeeded."""
    me = a_past(patient)
    path = _state_file(patient, name)
    whole = path.read_bytes()
    path.write_bytes(whole[: int((len(whole) - 2) * share)])
    newest = patient.write(MIB, seed=4)
    patient.happen()
    patient.drain()
    assert patient.stored() == {"reflection.duckdb": newest}
    assert identity.load(patient.paths, _settings(patient)).machine_id == me.machine_id
    assert patient.manifests()[-1]["metadata"]["machine_id"] == me.machine_id
    patient.every_manifest_is_whole()
    patient.nothing_is_left()


def a_past(patient: Patient) -> identity.Identity:
    """One success, then an upload that lacks its manifest, a backoff that is over, a notice."""
    shutil.rmtree(patient.paths.state, ignore_errors=True)
    patient.configure(akosha_max_retries=0)
    patient.write(MIB, seed=2)
    assert patient.sync().success
    patient.write(MIB, seed=3)
    patient.network.on("PutManifest", fault=error(503, "SlowDown"))
    assert not patient.sync().success
    patient.network.heal()
    values = _settings(patient)
    me = identity.load(patient.paths, values)
    target = selection.target_of(values, "cloud", me.system_id)
    # As after a change of credentials: due at once.
    backoff.failed(patient.paths, target, "test", "other circumstances")
    notice.leave(patient.paths, "something went wrong")
    patient.paths.regions.write_text('{"host bucket": "us-east-1"}')
    return me


def _settings(patient: Patient) -> Settings:
    return settings.load_strict(dict(os.environ), patient.paths).settings


def _state_file(patient: Patient, name: str) -> Path:
    if name == "snapshot.json":
        return next(patient.paths.snapshots.glob("*/snapshot.json"))
    _, _, state = name.partition("/")
    if not state:
        watch.ProgressFile(patient.paths).idle()
        return patient.paths.state / name
    paper = next(each for each in patient.receipts() if each.state == state)
    return Receipts(patient.paths).path_of(paper.upload_id)


def test_an_unfinished_upload_without_an_id_is_looked_for(patient: Patient) -> None:
    """Killed between the request to begin and its answer, only the key is known."""
    patient.write()
    assert patient.sync().success
    (paper,) = patient.receipts()
    key = f"systems/{paper.system_id}/uploads/cut-off/reflection.duckdb"
    patient.store.client._create_multipart_upload(patient.store.name, key, {})
    receipts = Receipts(patient.paths)
    journal = receipts.new_journal("cut-off", "")
    journal.partial[key] = PartialUpload(
        key=key, multipart_id="", part_size=1, codec="identity", sha256=""
    )
    journal.save()
    cut_off = msgspec.structs.replace(paper, upload_id="cut-off", state="failed", success=False)
    receipts.save(cut_off)
    assert patient.store.open_uploads() == 1
    assert patient.sync().state == "unchanged"
    patient.nothing_is_left()
