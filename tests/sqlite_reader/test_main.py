"""The child itself: what it says of errors, how it counts, and when it ends."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from akosha_hook.errors import Kind
from akosha_hook.sqlite_reader import __main__ as child
from akosha_hook.sqlite_reader.opening import NotOpenedError
from tests.support import sqlite_files


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (child.DamagedError("row 1 missing from index i"), Kind.DAMAGED),
        (NotOpenedError("why"), Kind.FAILED),
        (MemoryError(), Kind.FAILED),
        (sqlite3.OperationalError("malformed JSON in 'the text of a row'"), Kind.FAILED),
        (OSError(28, "No space left on device"), Kind.FAILED),
        (KeyError("x"), Kind.FAILED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_damage_is_said_to_be_damage(tmp_path: Path, error: Exception, kind: Kind) -> None:
    said = child.failure(error, sqlite_files.make(tmp_path / "a.db"))
    assert said.kind == kind
    assert said.message
    assert "the text of a row" not in said.message


def test_the_rows_of_virtual_tables_count_once(tmp_path: Path) -> None:
    from akosha_hook import sqlite_reader

    database = sqlite_files.make(tmp_path / "a.db", rows=10)
    sqlite_files.execute(
        database,
        'CREATE TABLE "quo""ted" (a)',
        'INSERT INTO "quo""ted" VALUES (1), (2)',
        "CREATE VIRTUAL TABLE search USING fts5 (body)",
        "INSERT INTO search SELECT body FROM reminders",
    )
    assert sqlite_reader.row_count(database, timeout_seconds=60.0) == 12


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    os.mkfifo(database)
    process = subprocess.Popen(
        [sys.executable, "-m", "akosha_hook.sqlite_reader", "check", str(database), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(60) is not None
