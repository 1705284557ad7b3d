"""SQLite databases come back as they were, with what lies beside them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError, BusyError, DamagedError
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore import place as placing
from tests.support import sqlite_files
from tests.support.home import Home
from tests.support.recovery import contents, context, read_manifest, upload, write_manifest

NAME = "natural_scheduler.db"
MAKERS = {
    "closed": sqlite_files.make,
    "wal": sqlite_files.make_with_wal,
    "hot journal": sqlite_files.make_with_hot_journal,
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "elsewhere"])
def test_it_comes_back_with_its_sidecars_and_opens_plainly(
    at_home: Home, tmp_path: Path, make: Callable[[Path], Path], in_place: bool
) -> None:
    database = make(at_home.paths.data / NAME)
    files = sqlite_files.family(database)
    upload(at_home.paths)
    assert restore.verify(RestoreRequest(), context(at_home.paths)).checks[NAME].problem == ""
    rows = sqlite_files.dump(database)
    directory = at_home.paths.data
    if in_place:
        # Others now, and of what belongs to those nothing may stay beside what comes back.
        sqlite_files.execute(database, "PRAGMA journal_mode = DELETE", "DELETE FROM reminders")
        for end in ("-wal", "-shm", "-journal"):
            database.with_name(NAME + end).write_bytes(b"stale")
        restored = restore.restore(RestoreRequest(), context(at_home.paths))
        assert restored.kept is not None
        assert {NAME, f"{NAME}-wal", f"{NAME}-shm"} <= set(contents(restored.kept))
    else:
        directory = tmp_path / "elsewhere"
        restore.restore(RestoreRequest(to=directory), context(at_home.paths))
    back = directory / NAME
    assert not back.with_name(f"{NAME}-shm").exists()
    assert sqlite_files.family(back) == files
    assert sqlite_files.dump(back) == rows


def test_manifest_and_receipt_say_of_which_kind_it_is(at_home: Home) -> None:
    sqlite_files.make_with_wal(at_home.paths.data / NAME)
    upload_id = upload(at_home.paths)
    assert at_home.bucket is not None
    document = read_manifest(at_home.bucket, upload_id)
    kinds = {each["name"]: each["kind"] for each in document["metadata"]["files"]}
    assert kinds.pop(NAME) == kinds.pop(f"{NAME}-wal") == "sqlite"
    assert set(kinds.values()) == {"duckdb"}
    # It has no conversations that could have been counted.
    assert document["metadata"]["conversations_counted"]
    (receipt,) = at_home.receipts()
    assert {each.name: each.kind for each in receipt.files}[NAME] == "sqlite"
    # The same bytes are referred to, and keep their kind.
    sqlite_files.make(at_home.paths.data / "activity.db")
    again = read_manifest(at_home.bucket, upload(at_home.paths))
    assert {each["kind"] for each in again["metadata"]["files"] if each["name"] == NAME} == {
        "sqlite"
    }


def test_a_planted_manifest_that_names_another_kind_is_refused(at_home: Home) -> None:
    database = sqlite_files.make(at_home.paths.data / NAME)
    upload_id = upload(at_home.paths)
    assert at_home.bucket is not None
    document = read_manifest(at_home.bucket, upload_id)
    for each in document["metadata"]["files"]:
        if each["name"] == NAME:
            each["kind"] = "duckdb"
    write_manifest(at_home.bucket, upload_id, document, stored_by=at_home.paths)
    before = database.read_bytes()
    for action in (restore.verify, restore.restore):
        with pytest.raises(DamagedError, match="is a SQLite database, but its manifest says"):
            action(RestoreRequest(force=True), context(at_home.paths))
    assert database.read_bytes() == before


def test_one_that_carries_a_trigger_needs_force(at_home: Home) -> None:
    database = sqlite_files.make(at_home.paths.data / NAME)
    sqlite_files.execute(
        database, "CREATE TRIGGER spy AFTER INSERT ON reminders BEGIN DELETE FROM reminders; END"
    )
    upload(at_home.paths)
    with pytest.raises(AkoshaHookError, match="carries the trigger spy") as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert "--force" in caught.value.hint
    restore.restore(RestoreRequest(force=True), context(at_home.paths))


@pytest.mark.parametrize(
    "mode",
    [
        "WAL",
        pytest.param(
            "DELETE",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="nothing shows who has it open"
            ),
        ),
    ],
)
def test_one_that_another_process_has_open_is_not_replaced(
    at_home: Home, mode: str, holding: Callable[[Path], int]
) -> None:
    database = sqlite_files.make(at_home.paths.data / NAME)
    sqlite_files.execute(database, f"PRAGMA journal_mode = {mode}")
    upload(at_home.paths)
    pid = holding(database)
    with pytest.raises(BusyError, match=f"process {pid} has it open"):
        restore.restore(RestoreRequest(), context(at_home.paths))


def test_nobody_can_use_it_while_it_is_replaced(tmp_path: Path) -> None:
    database = sqlite_files.make(tmp_path / NAME)
    with placing._locked(database):
        code = (
            "import sqlite3, sys\n"
            "sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM reminders').fetchall()"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, str(database)], capture_output=True, check=False
        )
    assert b"database is locked" in ran.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM reminders").fetchone() == (100,)
