"""The files beside a database that belong to it go and come with it."""

from __future__ import annotations

import shutil

from akosha_hook import restore
from akosha_hook.restore import RestoreRequest
from tests.support.duck import conversations_in
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    upload,
)
from tests.support.writer import Writer


def test_no_sidecar_that_the_manifest_does_not_name_stays(at_home: Home) -> None:
    upload(at_home.paths)
    for end in (".wal", ".wal.checkpoint", ".wal.recovery", ".wal.of-the-future"):
        (at_home.paths.data / f"reflection.duckdb{end}").write_bytes(b"stale")
    unrelated = at_home.paths.data / "reflection.duckdb.txt"
    unrelated.write_text("a user's note")
    result = restore.restore(RestoreRequest(), context(at_home.paths))
    assert set(contents(at_home.paths.data)) == {
        "reflection.duckdb",
        "knowledge_graph.duckdb",
        unrelated.name,
    }
    assert result.kept is not None
    assert len(contents(result.kept)) == 6


def test_sidecars_come_back_with_their_database(at_home: Home) -> None:
    database = at_home.paths.data / "reflection.duckdb"
    with Writer(database) as writer:
        writer.insert(3)
        writer.kill()
    before = contents(at_home.paths.data)
    upload(at_home.paths)
    shutil.rmtree(at_home.paths.data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == before
    assert conversations_in(database) == 13
