"""What an upload that nobody continues left, in the bucket and on disk, is removed."""

from __future__ import annotations

import shutil
import uuid

import msgspec

from akosha_hook.state.receipt import PartialUpload, Receipt, Target
from akosha_hook.state.receipts import Receipts
from akosha_hook.util.clock import now_iso
from tests.support.faults import error, lost_answer
from tests.support.faulty_home import MIB, FaultyHome
from tests.support.s3 import make_bucket

BIG = 16 * MIB


def test_a_snapshot_that_is_gone_costs_a_new_upload_and_the_old_one_is_aborted(
    faulty_home: FaultyHome,
) -> None:
    content = faulty_home.write(BIG)
    faulty_home.interrupted_at_part(3)
    shutil.rmtree(faulty_home.paths.snapshots)
    assert faulty_home.sync().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_an_abandoned_upload_is_aborted_even_when_nothing_has_changed(
    faulty_home: FaultyHome,
) -> None:
    first = faulty_home.write(MIB, seed=1)
    assert faulty_home.sync().success
    faulty_home.write(BIG, seed=2)
    faulty_home.interrupted_at_part(3)
    shutil.rmtree(faulty_home.paths.snapshots)
    faulty_home.database.write_bytes(first)
    assert faulty_home.sync().state == "unchanged"
    faulty_home.nothing_is_left()


def test_a_full_sync_supersedes_the_one_that_was_cut_off(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG, seed=1)
    cut_off = faulty_home.interrupted_at_part(3)
    newest = faulty_home.write(MIB, seed=2)
    assert faulty_home.sync(full=True).success
    faulty_home.nothing_is_left()
    assert len(faulty_home.manifests()) == 1
    assert faulty_home.stored() == {"reflection.duckdb": newest}
    superseded = next(
        each for each in faulty_home.receipts() if each.upload_id == cut_off.upload_id
    )
    assert "Superseded by" in str(superseded.error)


def test_other_settings_for_parts_start_the_upload_over(faulty_home: FaultyHome) -> None:
    content = faulty_home.write(BIG)
    faulty_home.interrupted_at_part(3)
    faulty_home.configure(akosha_chunk_size_mb=6)
    assert faulty_home.sync().success
    assert faulty_home.stored() == {"reflection.duckdb": content}
    faulty_home.nothing_is_left()


def test_an_upload_to_another_bucket_waits_a_week_for_its_bucket(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG, seed=1)
    receipt = faulty_home.interrupted_at_part(3)
    first, faulty_home.bucket = (
        faulty_home.store,
        make_bucket(faulty_home.store.server, f"memories-{uuid.uuid4().hex[:12]}"),
    )
    faulty_home.configure(akosha_cloud_bucket=faulty_home.bucket.name)
    assert faulty_home.sync().success
    assert [each.name for each in faulty_home.paths.snapshots.iterdir()] == [
        faulty_home.journal(receipt).snapshot
    ]
    long_ago = "2020-01-01T00:00:00+00:00"
    Receipts(faulty_home.paths).save(msgspec.structs.replace(receipt, started=long_ago))
    assert faulty_home.sync().success
    assert list(faulty_home.paths.snapshots.iterdir()) == []
    faulty_home.configure(akosha_cloud_bucket=first.name)
    faulty_home.bucket = first
    faulty_home.write(MIB, seed=2)
    assert faulty_home.sync().success
    faulty_home.nothing_is_left()


def test_a_push_to_akosha_that_was_killed_holds_no_snapshot(faulty_home: FaultyHome) -> None:
    faulty_home.write()
    (faulty_home.paths.snapshots / "cut-off").mkdir(parents=True)
    Receipts(faulty_home.paths).save(
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
    assert faulty_home.sync().success
    faulty_home.nothing_is_left()


def test_a_denied_abort_is_a_note_and_no_failure(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG)
    faulty_home.interrupted_at_part(3)
    shutil.rmtree(faulty_home.paths.snapshots)
    faulty_home.network.on("AbortMultipartUpload", fault=error(403, "AccessDenied"))
    outcome = faulty_home.sync()
    assert outcome.success
    assert outcome.receipt is not None
    assert "could not be aborted (AccessDenied)" in outcome.receipt.notes[0]


def test_an_abort_that_fails_for_now_is_done_next_time(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG)
    faulty_home.interrupted_at_part(3)
    shutil.rmtree(faulty_home.paths.snapshots)
    faulty_home.network.on("AbortMultipartUpload", fault=error(503, "SlowDown"))
    assert faulty_home.sync().success
    assert faulty_home.store.open_uploads() == 1
    faulty_home.network.heal()
    assert faulty_home.sync().state == "unchanged"
    faulty_home.nothing_is_left()


def test_a_create_that_was_repeated_leaves_no_second_upload(faulty_home: FaultyHome) -> None:
    faulty_home.write(BIG)
    faulty_home.network.on("CreateMultipartUpload", fault=lost_answer, times=2)
    assert faulty_home.sync().success
    faulty_home.nothing_is_left()


def test_an_unfinished_upload_without_an_id_is_looked_for(faulty_home: FaultyHome) -> None:
    """Killed between the request to begin and its answer, only the key is known."""
    faulty_home.write()
    assert faulty_home.sync().success
    (receipt,) = faulty_home.receipts()
    key = f"systems/{receipt.system_id}/uploads/cut-off/reflection.duckdb"
    faulty_home.store.client._create_multipart_upload(faulty_home.store.name, key, {})
    receipts = Receipts(faulty_home.paths)
    journal = receipts.new_journal("cut-off", "")
    journal.partial[key] = PartialUpload(
        key=key, multipart_id="", part_size=1, codec="identity", sha256=""
    )
    journal.save()
    cut_off = msgspec.structs.replace(receipt, upload_id="cut-off", state="failed", success=False)
    receipts.save(cut_off)
    assert faulty_home.store.open_uploads() == 1
    assert faulty_home.sync().state == "unchanged"
    faulty_home.nothing_is_left()
