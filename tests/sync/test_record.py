"""The receipt of a delivery when it begins, fails and succeeds."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from akosha_hook.errors import (
    AkoshaHookError,
    CredentialsError,
    DeadlinePassedError,
    DeliveryError,
    ExitCode,
)
from akosha_hook.settings import Settings
from akosha_hook.snapshot import Skipped
from akosha_hook.state import identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry, store_name
from akosha_hook.sync import record
from akosha_hook.sync.record import (
    Arrived,
    attempt_of,
    failed_receipt,
    new_receipt,
    new_upload_id,
    succeeded_receipt,
)
from akosha_hook.util import log
from akosha_hook.util.clock import stamp
from akosha_hook.util.secret import Secret
from tests.support.jobs import ME, frozen, job
from tests.support.state_documents import whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.upload.job import UploadJob


SECRET = "canary/secret+0123456789"


@pytest.fixture
def delivery(paths: Paths) -> UploadJob:
    paths.state.mkdir(parents=True)
    settings = Settings(akosha_cloud_bucket="memories", akosha_cloud_endpoint="http://127.0.0.1:9")
    snapshot = replace(
        frozen(paths, reflection=b"x"), skipped=(Skipped("other.duckdb", "busy", "it is busy"),)
    )
    return job(paths, snapshot, settings, triggered_by=("session-end",))


@pytest.fixture
def started(delivery: UploadJob) -> Receipt:
    """The receipt of a delivery that has just begun."""
    return new_receipt(delivery, "cloud")


def test_a_delivery_begins_unfinished_and_numbered(delivery: UploadJob, started: Receipt) -> None:
    assert (started.state, started.success, started.finished) == ("uploading", False, None)
    assert (started.system_id, started.machine_id) == (ME.system_id, ME.machine_id)
    assert started.triggered_by == ("session-end",)
    assert started.skipped == {"other.duckdb": "it is busy"}
    assert (started.destination.method, started.destination.bucket) == ("cloud", "memories")
    later = new_receipt(delivery, "cloud")
    assert later.sequence > started.sequence > 0


def test_ids_are_unique_and_sort_as_the_uploads_were_made(
    delivery: UploadJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the clock says: the time in an id is that of its sequence number."""
    receipts = [new_receipt(delivery, method) for method in ("cloud", "cloud", "http", "cloud")]
    monkeypatch.setattr(time, "time", lambda: 1_600_000_000.0)
    receipts.append(new_receipt(delivery, "cloud"))
    ids = [each.upload_id for each in receipts]
    assert ids == sorted(ids)
    for each in receipts:
        assert re.fullmatch(rf"\d{{8}}_\d{{6}}_{ME.system_id}_[0-9a-f]{{6}}", each.upload_id)
        assert each.upload_id.startswith(stamp(each.sequence))


def test_a_new_machine_id_is_said_until_something_is_stored_under_it(
    delivery: UploadJob, paths: Paths
) -> None:
    renewed = msgspec.structs.replace(ME, renewed="2026-01-01", renewed_because=identity.COPIED)
    job = replace(delivery, identity=renewed, ledger=Ledger(paths))
    assert job.ledger is not None
    first = new_receipt(job, "cloud")
    assert first.notes == (identity.renewal(renewed),)
    assert identity.COPIED in first.notes[0]
    entry = Entry(
        upload=first.upload_id,
        system=ME.system_id,
        machine=ME.machine_id,
        store=store_name(first.destination),
        sha256=NO_MANIFEST,
    )
    job.ledger.add(entry)
    assert new_receipt(job, "cloud").notes == first.notes
    job.ledger.add(msgspec.structs.replace(entry, sha256="a" * 64))
    assert new_receipt(job, "cloud").notes == ()
    assert new_receipt(replace(job, identity=ME), "cloud").notes == ()


def test_two_machines_of_one_name_make_different_ids_in_the_same_second() -> None:
    assert len({new_upload_id("laptop", 1_700_000_000) for _ in range(28)}) > 20


def test_an_id_can_be_made_of_any_number() -> None:
    assert new_upload_id("laptop", 10**15).startswith("2")


def test_a_failure_has_its_reason_hint_code_and_exit_code(started: Receipt) -> None:
    error = CredentialsError("Access denied.", hint="Check the keys.")
    error.details = {"stored": 2}
    failed = failed_receipt(started, error, [], stored=(), resumable=False, out_of_time=False)
    assert (failed.state, failed.success) == ("failed", False)
    assert (failed.error, failed.hint) == ("Access denied.", "Check the keys.")
    assert failed.exit_code == ExitCode.CREDENTIALS
    assert failed.details == {"stored": 2}


def test_a_failure_keeps_the_files_that_were_stored_until_then(started: Receipt) -> None:
    stored = whole_receipt().files
    error = DeliveryError("busy", retryable=True)
    failed = failed_receipt(started, error, [], stored=stored, resumable=True, out_of_time=False)
    assert failed.files == stored


def test_one_that_can_be_continued_stays_unfinished(started: Receipt) -> None:
    error = DeadlinePassedError(60)
    failed = failed_receipt(started, error, [], stored=(), resumable=True, out_of_time=True)
    assert (failed.state, failed.error_code) == ("uploading", "timeout-with-progress")
    failed = failed_receipt(started, error, [], stored=(), resumable=True, out_of_time=False)
    assert failed.error_code == "timeout"


def test_a_success_clears_what_an_earlier_try_left(started: Receipt) -> None:
    error = DeliveryError("busy", hint="wait", code="SlowDown", retryable=True)
    attempt = attempt_of("cloud", error)
    failed = failed_receipt(started, error, [attempt], stored=(), resumable=True, out_of_time=False)
    files = whole_receipt().files
    arrived = Arrived(files, keys=(files[0].key,), notes=("a note",), details={"stored": 1})
    done = succeeded_receipt(failed, arrived, [attempt], 100)
    assert (done.state, done.success, done.exit_code) == ("done", True, 0)
    assert (done.error, done.error_code, done.hint) == (None, "", "")
    assert (done.files, done.files_uploaded) == (files, (files[0].key,))
    assert (done.notes, done.details, done.attempts) == (("a note",), {"stored": 1}, (attempt,))
    assert done.bytes_transferred == 100
    assert succeeded_receipt(done, arrived, [], 50).bytes_transferred == 150


def test_unchanged_files_are_listed_by_database(started: Receipt) -> None:
    from msgspec.structs import replace as changed

    (file,) = whole_receipt().files
    database = changed(file, status="unchanged")
    sidecar = changed(database, name="reflection.duckdb.wal")
    done = succeeded_receipt(started, Arrived((database, sidecar)), [], 0)
    assert done.files_unchanged == ("reflection.duckdb",)


def test_an_attempt_names_what_the_server_answered_or_the_kind_of_error() -> None:
    answered = attempt_of("cloud", DeliveryError("no", code="SlowDown", retryable=True))
    assert (answered.code, answered.retryable, answered.method) == ("SlowDown", True, "cloud")
    other = attempt_of("http", AkoshaHookError("no"))
    assert (other.code, other.retryable) == ("AkoshaHookError", False)


def test_no_message_keeps_a_secret_or_grows_without_end(paths: Paths, started: Receipt) -> None:
    log.configure(paths)
    log.protect(Secret(SECRET))
    error = DeliveryError(f"echoed {SECRET} " + "x" * 10_000)
    failed = failed_receipt(
        started,
        error,
        [attempt_of("cloud", error)],
        stored=(),
        resumable=False,
        out_of_time=False,
    )
    for text in (failed.error, failed.attempts[0].message):
        assert text is not None
        assert text.startswith("echoed *** ")
        assert len(text) <= record.MAX_MESSAGE
