"""What a restore says of databases that are older than the upload."""

from __future__ import annotations

import msgspec
import pytest

from akosha_hook import restore
from akosha_hook.format.manifest import Stale, StoredFile
from akosha_hook.restore import RestoreRequest
from akosha_hook.restore.stale import stale_notes
from tests.support.duck import change
from tests.support.home import Home
from tests.support.recovery import context, upload

KEY = "systems/laptop/uploads/20261122_120000_laptop/"


def stored(name: str, database: str, stale: Stale | None) -> StoredFile:
    return StoredFile(
        name=name,
        database=database,
        key=KEY + name,
        size=1,
        stored_size=1,
        sha256="0" * 64,
        compression="identity",
        stale=stale,
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [("empty", "it was empty"), ("busy", "it was in use"), ("other", "it was left out (other)")],
)
def test_a_note_says_of_when_it_is_and_why(reason: str, words: str) -> None:
    stale = Stale(
        reason=reason, since="2026-11-21T09:00:30+00:00", as_of="2026-11-20T15:03:00+01:00"
    )
    files = [
        stored("a.duckdb", "a.duckdb", stale),
        stored("a.duckdb.wal", "a.duckdb", stale),
        stored("b.duckdb", "b.duckdb", None),
    ]
    (note,) = stale_notes(files)
    assert note == (
        f"a.duckdb is as of 2026-11-20 14:03 UTC: {words} when this upload was made, "
        "since 2026-11-21 09:00 UTC."
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("empty", "it had no files"),
        ("excluded", "akosha_include did not include it"),
        ("busy", "it was in use"),
    ],
)
def test_of_a_set_it_is_said_what_is_so_of_sets(reason: str, words: str) -> None:
    at = "2026-11-21T09:00:30+00:00"
    file = stored(
        "session-files.tar", "session-files.tar", Stale(reason=reason, since=at, as_of=at)
    )
    (note,) = stale_notes([msgspec.structs.replace(file, kind="files")])
    assert f": {words} when" in note


def test_restore_brings_it_back_with_a_note_and_verify_proves_it(
    at_home: Home,
) -> None:
    paths = at_home.paths
    graph = paths.data / "knowledge_graph.duckdb"
    good = graph.read_bytes()
    upload(paths)
    graph.unlink()
    change(paths.data / "reflection.duckdb", 1)
    upload(paths)
    proved = restore.verify(RestoreRequest(), context(paths))
    assert "knowledge_graph.duckdb" in proved.checks
    result = restore.restore(RestoreRequest(), context(paths))
    assert graph.read_bytes() == good
    for notes in (proved.notes, result.notes):
        assert [each for each in notes if "knowledge_graph.duckdb is as of" in each]
