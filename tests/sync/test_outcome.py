"""What a sync came to: success, error, hint, exit code and the guide's result."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from akosha_hook.errors import ExitCode
from akosha_hook.snapshot import Skipped
from akosha_hook.sync.outcome import Outcome
from tests.support.state_documents import whole_receipt

MISSING = Skipped("a.duckdb", "missing", "a.duckdb is not in the data directory")
BUSY = Skipped("b.duckdb", "busy", "b.duckdb kept changing while it was being copied")
EMPTY = Skipped("c.duckdb", "empty", "c.duckdb is empty (0 bytes)")
UNREADABLE = Skipped("d.duckdb", "unreadable", "d.duckdb cannot be read: permission denied")


def outcome(state: Any, *skipped: Skipped, **changes: Any) -> Outcome:
    return Outcome(state, "cloud", skipped=skipped, **changes)


def failed(**changes: Any) -> Outcome:
    receipt = msgspec.structs.replace(whole_receipt(), state="failed", success=False, **changes)
    return Outcome("failed", "cloud", receipt)


@pytest.mark.parametrize(
    ("ended", "success", "exit_code", "error"),
    [
        (outcome("uploaded"), True, ExitCode.OK, None),
        (outcome("unchanged"), True, ExitCode.OK, None),
        (outcome("uploaded", MISSING), True, ExitCode.OK, None),
        (outcome("uploaded", BUSY), True, ExitCode.OK, None),
        (outcome("busy", BUSY), False, ExitCode.FAILED, f"{BUSY.message}."),
        (outcome("uploaded", EMPTY), False, ExitCode.FAILED, f"Not backed up: {EMPTY.message}."),
        (
            outcome("unchanged", UNREADABLE),
            False,
            ExitCode.CREDENTIALS,
            f"Not backed up: {UNREADABLE.message}.",
        ),
        (failed(error="no", exit_code=5), False, ExitCode.UNREACHABLE, "no"),
        (failed(error="no"), False, ExitCode.FAILED, "no"),
    ],
    ids=[
        "uploaded",
        "unchanged",
        "one is missing",
        "one is busy",
        "all are busy",
        "one is empty",
        "one is unreadable",
        "unreachable",
        "failed without a code",
    ],
)
def test_success_exit_code_and_error(
    ended: Outcome, success: bool, exit_code: ExitCode, error: str | None
) -> None:
    assert (ended.success, ended.exit_code, ended.error) == (success, exit_code, error)


def test_a_bad_database_is_restored_alone_and_its_copy_has_a_date() -> None:
    first = dataclasses.replace(EMPTY, as_of="2026-11-20T08:30:00.000+00:00")
    command = "akosha-hook restore --file c.duckdb brings back"
    assert (
        outcome("uploaded", first).hint
        == f"{command} its last good copy, as of 2026-11-20 08:30 UTC."
    )
    odd = Skipped("my own.duckdb", "empty", "empty", as_of="2026-11-21T08:30:00.000+00:00")
    assert outcome("uploaded", first, odd).hint == (
        "akosha-hook restore --file c.duckdb --file 'my own.duckdb' brings back their last good "
        "copies: c.duckdb as of 2026-11-20 08:30 UTC, my own.duckdb as of 2026-11-21 08:30 UTC."
    )


def test_no_restore_is_advised_where_no_copy_is_left() -> None:
    lost = Skipped("d.duckdb", "lost", "d.duckdb is gone, and no copy of it is left")
    assert outcome("uploaded", lost).hint == "akosha-hook forget d.duckdb, once you do without."
    both = outcome("uploaded", lost, dataclasses.replace(EMPTY, as_of="2026-11-20T08:30")).hint
    assert both.startswith("akosha-hook restore --file c.duckdb brings")
    assert "d.duckdb" not in both


def test_no_restore_is_advised_for_what_was_never_stored() -> None:
    assert outcome("uploaded", EMPTY).hint == (
        "move it away, or leave it out with akosha_databases; as far as is known here, c.duckdb was "
        "never stored, so there is no copy to restore."
    )
    other = Skipped("d.duckdb", "empty", "empty")
    assert "c.duckdb and d.duckdb were never stored" in outcome("uploaded", EMPTY, other).hint
    stored = dataclasses.replace(EMPTY, as_of="2026-11-20T08:30")
    assert "d.duckdb" not in outcome("uploaded", stored, other).hint


@pytest.mark.parametrize(
    ("ended", "hint"),
    [
        (outcome("uploaded"), ""),
        (outcome("busy", BUSY), "akosha-hook sync"),
        (outcome("uploaded", EMPTY), "leave it out with akosha_databases"),
        (outcome("uploaded", EMPTY, UNREADABLE), "chmod u+r"),
        (failed(hint="Check the keys."), "Check the keys."),
    ],
)
def test_the_hint_is_something_to_type_or_change(ended: Outcome, hint: str) -> None:
    assert hint in ended.hint
    assert bool(hint) == bool(ended.hint)


def test_the_result_of_an_upload_has_the_guides_keys() -> None:
    receipt = msgspec.structs.replace(whole_receipt(), bytes_transferred=10, notes=("note",))
    result = Outcome("uploaded", "cloud", receipt, (BUSY,), duration_seconds=1.23456).result()
    assert result["method"] == "cloud"
    assert result["success"] is True
    assert result["files_uploaded"] == list(receipt.files_uploaded)
    assert result["bytes_transferred"] == 10
    assert result["duration_seconds"] == 1.235
    assert result["upload_id"] == receipt.upload_id
    assert result["error"] is None
    assert (result["skipped"], result["notes"]) == ({"b.duckdb": "busy"}, ["note"])


def test_a_sync_that_stored_nothing_names_no_upload() -> None:
    result = outcome("unchanged", unchanged=("reflection.duckdb",)).result()
    assert (result["upload_id"], result["files_uploaded"]) == (None, [])
    assert result["files_unchanged"] == ["reflection.duckdb"]
    pushed = msgspec.structs.replace(whole_receipt(), method="http")
    assert Outcome("uploaded", "http", pushed).result()["upload_id"] is None
    assert failed(error="no").result()["upload_id"] is None


def test_what_was_stored_once_and_is_gone_is_a_note_and_no_failure() -> None:
    gone = Skipped(
        "e.duckdb", "excluded", "e.duckdb is left out", as_of="2026-11-20T14:03:00+00:00"
    )
    result = outcome("unchanged", MISSING, gone)
    assert result.success
    assert result.exit_code == 0
    assert result.missed == (MISSING, gone)
    assert result.result()["notes"] == ["e.duckdb is left out"]
