"""One snapshot, one destination after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.run import Request
from tests.support import sqlite_files
from tests.support.akosha_server import AkoshaServer, serve
from tests.support.syncing import sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


@pytest.fixture
def akosha() -> Iterator[AkoshaServer]:
    with serve(AkoshaServer(free_ports(1)[0])) as server:
        yield server


def nothing_there() -> str:
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def cloud_is_down(akosha: str) -> dict[str, str]:
    return {
        "SESSION_BUDDY_AKOSHA_CLOUD_ENDPOINT": nothing_there(),
        "SESSION_BUDDY_AKOSHA_HTTP_URL": akosha,
        "SESSION_BUDDY_AKOSHA_MAX_RETRIES": "0",
    }


def test_the_next_destination_gets_what_the_first_could_not_take(
    paths: Paths, data: Path, bucket: TestBucket, akosha: AkoshaServer
) -> None:
    outcome = sync(paths, bucket, Request(), **cloud_is_down(akosha.url))
    assert (outcome.state, outcome.method, outcome.pending) == ("uploaded", "http", True)
    assert outcome.receipt is not None
    assert [each.method for each in outcome.receipt.attempts] == ["cloud"]
    assert list(paths.snapshots.iterdir()) == []


def test_a_sqlite_database_is_no_part_of_a_push(
    paths: Paths, data: Path, bucket: TestBucket, akosha: AkoshaServer
) -> None:
    sqlite_files.make(data / "activity.db")
    outcome = sync(paths, bucket, Request(), **cloud_is_down(akosha.url))
    assert (outcome.state, outcome.method, outcome.error) == ("uploaded", "http", None)
    assert outcome.receipt is not None
    assert [each for each in outcome.receipt.notes if "activity.db had nothing to send" in each]
    assert akosha.memories


def test_where_all_fail_the_first_failure_is_shown_and_every_receipt_kept(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    outcome = sync(paths, bucket, Request(), **cloud_is_down(nothing_there()))
    assert (outcome.state, outcome.method, outcome.pending) == ("failed", "cloud", True)
    assert {each.method for each in Receipts(paths).newest_first()} == {"cloud", "http"}
    assert list(paths.snapshots.iterdir()) == []


def test_a_destination_that_takes_it_is_the_last_one_asked(
    paths: Paths, data: Path, bucket: TestBucket, akosha: AkoshaServer
) -> None:
    outcome = sync(paths, bucket, Request(), SESSION_BUDDY_AKOSHA_HTTP_URL=akosha.url)
    assert (outcome.method, outcome.pending) == ("cloud", False)
    assert akosha.requests == []
