"""What a restore would do, before it does anything."""

from __future__ import annotations

import shutil

import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore import RestoreRequest
from tests.support.duck import change, conversations_in
from tests.support.home import Home
from tests.support.recovery import (
    contents,
    context,
    read_manifest,
    upload,
)
from tests.support.sqlite_writer import make_sqlite


def test_only_the_named_database_is_touched(at_home: Home) -> None:
    upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    (at_home.paths.data / "knowledge_graph.duckdb").unlink()
    restore.restore(RestoreRequest(names=("knowledge_graph.duckdb",)), context(at_home.paths))
    assert conversations_in(at_home.paths.data / "reflection.duckdb") == 15
    assert (at_home.paths.data / "knowledge_graph.duckdb").exists()
    with pytest.raises(AkoshaHookError, match="it has knowledge_graph"):
        restore.restore(RestoreRequest(names=("other.duckdb",)), context(at_home.paths))


def test_files_of_earlier_uploads_are_found(at_home: Home) -> None:
    upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    before = contents(at_home.paths.data)
    assert at_home.bucket is not None
    keys = {each["key"] for each in read_manifest(at_home.bucket, second)["metadata"]["files"]}
    assert len({key.split("/")[3] for key in keys}) == 2
    shutil.rmtree(at_home.paths.data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(at_home.paths.data) == before


def test_a_dry_run_changes_nothing(at_home: Home) -> None:
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    result = at_home.akosha_hook("restore", "--dry-run")
    assert result.returncode == 0
    assert "Would be moved aside: reflection.duckdb, knowledge_graph.duckdb" in result.stdout
    assert contents(at_home.paths.data) == before
    assert not list(at_home.paths.data.glob("before-*"))


def test_a_database_that_is_called_as_none_is_comes_back_here_and_is_left_out_elsewhere(
    at_home: Home,
) -> None:
    """It is backed up for its bytes; but nobody else's manifest makes us write a file of any name."""
    data = at_home.paths.data
    make_sqlite(data / "metrics")
    upload(at_home.paths)
    before = contents(data)
    shutil.rmtree(data)
    restore.restore(RestoreRequest(), context(at_home.paths))
    assert contents(data) == before
    at_home.unpin()
    at_home.configure()
    shutil.rmtree(data)
    done = restore.restore(RestoreRequest(), context(at_home.paths))
    assert set(contents(data)) == set(before) - {"metrics"}
    assert "metrics is left out" in done.plan.notes[-1]
    with pytest.raises(AkoshaHookError, match="metrics is not restored") as caught:
        restore.restore(RestoreRequest(names=("metrics",)), context(at_home.paths))
    assert "config set akosha_databases '*,metrics'" in caught.value.hint
    at_home.configure(akosha_databases=["*", "metrics"])
    restore.restore(RestoreRequest(names=("metrics",)), context(at_home.paths))
    assert contents(data) == before
