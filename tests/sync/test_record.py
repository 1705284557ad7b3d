"""The receipt of a delivery when it begins, fails and succeeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import record
from akosha_hook.sync.record import (
    Arrived,
    attempt_of,
    failed_receipt,
    new_receipt,
    succeeded_receipt,
)
from akosha_hook.util import log
from akosha_hook.util.secret import Secret
from tests.support.jobs import ME, frozen, job
from tests.support.state_documents import whole_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.state.receipt import Receipt
    from akosha_hook.upload.job import UploadJob


SECRET = "canary/secret+0123456789"
STAMP = "20261122_120000"


@pytest.fixture
def delivery(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> UploadJob:
    monkeypatch.setattr(record, "stamp", lambda: STAMP)
    paths.state.mkdir(parents=True)
    settings = Settings(akosha_cloud_bucket="memories", akosha_cloud_endpoint="http://127.0.0.1:9")
    snapshot = replace(
        frozen(paths, reflection=b"x"), skipped=(Skipped("other.duckdb", "busy", "it is busy"),)
    )
    return job(paths, snapshot, settings, triggered_by=("session-end",))


@pytest.fixture
def started(delivery: UploadJob) -> Receipt:
    """The receipt of a delivery that has just begun."""
    return new_receipt(delivery, Receipts(delivery.context.paths), "cloud")


def test_a_delivery_begins_unfinished_and_numbered(delivery: UploadJob, started: Receipt) -> None:
    assert (started.state, started.success, started.finished) == ("uploading", False, None)
    assert (started.system_id, started.machine_id) == (ME.system_id, ME.machine_id)
    assert started.triggered_by == ("session-end",)
    assert started.skipped == {"other.duckdb": "it is busy"}
    assert (started.destination.method, started.destination.bucket) == ("cloud", "memories")
    later = new_receipt(delivery, Receipts(delivery.context.paths), "cloud")
    assert later.sequence > started.sequence > 0


def test_two_deliveries_of_one_second_have_ids_of_their_own(delivery: UploadJob) -> None:
    receipts = Receipts(delivery.context.paths)
    ids = []
    for method in ("cloud", "cloud", "http", "cloud"):
        receipt = new_receipt(delivery, receipts, method)
        receipts.save(receipt)
        ids.append(receipt.upload_id)
    name = f"{STAMP}_{ME.system_id}"
    assert ids == [name, f"{name}_2", f"{name}_http", f"{name}_3"]


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
