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
