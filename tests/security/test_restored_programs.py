"""A restored database runs nothing in whoever opens it, and is put over nothing but a database."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest

from akosha_hook import restore
from akosha_hook.errors import AkoshaHookError
from akosha_hook.restore import RestoreRequest
from tests.support.duck import make_databases
from tests.support.duckdb_files import make_too_new
from tests.support.home import Home
from tests.support.recovery import contents, context, upload

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket

NAME = "reflection.duckdb"


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home


HIDING = "CREATE MACRO duckdb_functions() AS TABLE SELECT 'macro' AS function_type WHERE false"


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["CREATE MACRO lower(text) AS 'poisoned'"], "the macro lower"),
        (["CREATE MACRO t(a) AS TABLE SELECT a"], "the table macro t"),
        (["CREATE VIEW v AS SELECT * FROM conversations_v2"], "the view v"),
        ([HIDING, "CREATE MACRO lower(text) AS 'poisoned'"], "the macro lower"),
    ],
)
def test_a_database_that_carries_programs_is_put_in_place_by_force_only(
    at_home: Home, statements: list[str], said: str
) -> None:
    with duckdb.connect(str(at_home.paths.data / NAME)) as connection:
        for each in statements:
            connection.execute(each)
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    shutil.rmtree(at_home.paths.data)
    with pytest.raises(AkoshaHookError, match="which would run in Session-Buddy") as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert said in caught.value.message
    assert "--force" in caught.value.hint
    assert not (at_home.paths.data / NAME).exists()
    (note,) = restore.verify(RestoreRequest(), context(at_home.paths)).notes
    assert said in note
    result = restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert contents(at_home.paths.data) == before
    assert said in result.notes[-1]


def test_a_trigger_is_a_program(at_home: Home) -> None:
    with duckdb.connect(str(at_home.paths.data / NAME)) as connection:
        connection.execute("CREATE TABLE one (a INT)")
        connection.execute("CREATE TABLE two (a INT)")
        try:
            connection.execute(
                "CREATE TRIGGER tr AFTER INSERT ON one FOR EACH STATEMENT INSERT INTO two VALUES (1)"
            )
        except duckdb.ParserException:
            pytest.skip("this DuckDB has no triggers")
    upload(at_home.paths)
    with pytest.raises(AkoshaHookError, match="the trigger tr, which would run"):
        restore.restore(RestoreRequest(), context(at_home.paths))


def test_what_cannot_be_checked_is_put_in_place_by_force_only(at_home: Home) -> None:
    make_too_new(at_home.paths.data / NAME)
    upload(at_home.paths)
    before = contents(at_home.paths.data)
    shutil.rmtree(at_home.paths.data)
    with pytest.raises(AkoshaHookError, match="was not checked") as caught:
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert "--force" in caught.value.hint
    assert not (at_home.paths.data / NAME).exists()
    restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert contents(at_home.paths.data) == before


def test_nothing_is_written_through_a_link(at_home: Home, tmp_path: Path) -> None:
    upload(at_home.paths)
    target = at_home.paths.data / NAME
    before = target.read_bytes()
    elsewhere = tmp_path / "elsewhere.duckdb"
    shutil.copy(at_home.paths.data / "knowledge_graph.duckdb", elsewhere)
    elsewhere.chmod(0o644)
    theirs = elsewhere.read_bytes()
    target.unlink()
    target.symlink_to(elsewhere)
    with pytest.raises(AkoshaHookError, match="is a symbolic link, and no database"):
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert target.is_symlink()
    result = restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert elsewhere.read_bytes() == theirs
    assert not target.is_symlink()
    assert target.read_bytes() == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert result.kept is not None
    assert (result.kept / NAME).is_symlink()


def test_a_dangling_link_is_not_followed_either(at_home: Home, tmp_path: Path) -> None:
    upload(at_home.paths)
    target, nowhere = at_home.paths.data / NAME, tmp_path / "nowhere"
    target.unlink()
    target.symlink_to(nowhere)
    with pytest.raises(AkoshaHookError, match="is a symbolic link"):
        restore.restore(RestoreRequest(), context(at_home.paths))
    restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert not nowhere.exists()


def test_a_pipe_is_not_waited_for(at_home: Home) -> None:
    upload(at_home.paths)
    target = at_home.paths.data / NAME
    target.unlink()
    os.mkfifo(target)
    with pytest.raises(AkoshaHookError, match="is a pipe or a device"):
        restore.restore(RestoreRequest(), context(at_home.paths))
    restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert target.is_file()


@pytest.mark.parametrize("force", [False, True])
def test_a_directory_is_never_replaced(at_home: Home, force: bool) -> None:
    upload(at_home.paths)
    target = at_home.paths.data / NAME
    target.unlink()
    target.mkdir()
    with pytest.raises(AkoshaHookError, match="is a directory"):
        restore.restore(RestoreRequest(force=force), context(at_home.paths))
    assert target.is_dir()


def test_a_file_that_is_no_database_is_replaced_by_force_only(at_home: Home) -> None:
    upload(at_home.paths)
    target = at_home.paths.data / NAME
    target.write_text("notes of mine")
    with pytest.raises(AkoshaHookError, match="is another kind of file"):
        restore.restore(RestoreRequest(), context(at_home.paths))
    assert target.read_text() == "notes of mine"
    result = restore.restore(RestoreRequest(force=True), context(at_home.paths))
    assert result.kept is not None
    assert (result.kept / NAME).read_text() == "notes of mine"
