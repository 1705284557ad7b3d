"""What Session-Buddy's first session left is a sound database, wherever we look into it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import duckdb
import pytest

from akosha_hook import restore
from akosha_hook.prune import Keep
from akosha_hook.restore import RestoreRequest
from tests.prune.uploads import prune_uploads
from tests.support.findings import examine
from tests.support.first_session import ROWS, make_first_session, open_plainly, rows_in
from tests.support.recovery import context, read_manifest, upload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.home import Home

NAME = "reflection.duckdb"


@pytest.fixture
def database(at_home: Home) -> Path:
    path = at_home.paths.data / NAME
    path.unlink()
    return make_first_session(path, end=signal.SIGTERM)


def test_its_conversations_are_counted(at_home: Home, database: Path) -> None:
    assert at_home.bucket is not None
    manifest = read_manifest(at_home.bucket, upload(at_home.paths))
    assert manifest["conversation_count"] == ROWS
    assert manifest["metadata"].get("conversations_counted", True)
    stored = {each["name"] for each in manifest["metadata"]["files"]}
    assert {NAME, f"{NAME}.wal"} <= stored


def test_doctor_finds_nothing_wrong(at_home: Home, database: Path) -> None:
    found = [each for each in examine(at_home) if each.name == NAME]
    assert {each.state for each in found} == {"ok"}
    assert found[-1].detail.endswith(f"every value can be read, it has {ROWS} conversations")


def test_what_session_buddy_then_empties_is_kept_and_comes_back(
    at_home: Home, database: Path, tmp_path: Path
) -> None:
    """It deletes the log that it cannot replay, and begins anew."""
    good, rows = upload(at_home.paths), rows_in(database)
    database.with_name(f"{NAME}.wal").unlink()
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE conversations_v2 (id VARCHAR, content VARCHAR)")
    newest = upload(at_home.paths)
    plan = prune_uploads(at_home, Keep(last=1))
    assert set(plan.kept) == {newest, good}
    to = tmp_path / "restored"
    restore.restore(RestoreRequest(good, to=to), context(at_home.paths))
    open_plainly(to / NAME)
    assert rows_in(to / NAME) == rows
