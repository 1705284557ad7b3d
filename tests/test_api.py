from __future__ import annotations

import asyncio
import re
from pathlib import Path

import duckdb
import pytest

import akosha_hook
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_enable_fallback=False, akosha_max_retries=0)
    return home


def test_the_guides_two_coroutines(at_home: Home) -> None:
    result = asyncio.run(akosha_hook.sync_to_akosha(method="cloud", enable_fallback=True))
    assert result["success"] is True
    system_id = asyncio.run(akosha_hook.akosha_sync_status())["system_id"]
    assert re.fullmatch(rf"\d{{8}}_\d{{6}}_{system_id}_[0-9a-f]{{6}}", result["upload_id"])


def test_a_failure_is_a_result_and_not_an_exception(at_home: Home) -> None:
    at_home.configure(akosha_cloud_bucket="nobody-made-this-one")
    result = asyncio.run(akosha_hook.sync_to_akosha())
    assert result["success"] is False
    assert "the bucket does not exist" in result["error"]


def test_settings_that_cannot_be_used_are_a_result_too(at_home: Home) -> None:
    at_home.configure(akosha_max_retries="many")
    result = asyncio.run(akosha_hook.sync_to_akosha())
    assert result["success"] is False
    assert "akosha_max_retries" in result["error"]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="carrier pigeon"):
        asyncio.run(akosha_hook.sync_to_akosha(method="carrier pigeon"))  # type: ignore[arg-type]


def test_the_caller_keeps_the_lock_on_a_database_it_has_open(
    at_home: Home, paths: Paths, tmp_path: Path
) -> None:
    """Reading the file in the caller's process would drop it: POSIX locks vanish at close."""
    from akosha_hook.snapshot.owner import owner
    from tests.support.ask_owner import owner_as_seen_from_outside

    database = paths.data / "reflection.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("INSERT INTO conversations_v2 (id, content) VALUES ('x', 'y')")
        asyncio.run(akosha_hook.sync_to_akosha())
        assert owner_as_seen_from_outside(database) is not None
        connection.execute("CHECKPOINT")
    assert owner(database) is None
