"""What a sync under way knows of its destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import SettingsError
from akosha_hook.snapshot import Snapshot
from akosha_hook.state import forgotten, identity
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.under_way import Request, Sync, destinations
from tests.support.syncing import context, sync

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket

GRAPH, REFLECTION = "knowledge_graph.duckdb", "reflection.duckdb"


def under_way(paths: Paths, bucket: TestBucket, *, again: bool = False, full: bool = False) -> Sync:
    here = context(paths, bucket)
    me = identity.load(paths, here.settings)
    request = Request(method="cloud", full=full)
    return Sync(request, here, Receipts(paths), me, ("cloud",), Ledger(paths), again=again)


@pytest.fixture
def uploaded(paths: Paths, data: Path, bucket: TestBucket) -> TestBucket:
    assert sync(paths, bucket).success
    return bucket


def test_what_was_stored_is_known_and_is_the_last_good_copy(
    paths: Paths, uploaded: TestBucket
) -> None:
    running = under_way(paths, uploaded)
    last = running.receipts.last_success(running.target)
    assert set(running.known(last)) == set(running.last_good()) == {GRAPH, REFLECTION}
    assert running.lost() == ()


def test_a_full_sync_builds_on_nothing_but_what_it_has_just_stored(
    paths: Paths, uploaded: TestBucket
) -> None:
    last = Receipts(paths).newest_first()[0]
    assert under_way(paths, uploaded, full=True).known(last) == {}
    assert len(under_way(paths, uploaded, full=True, again=True).known(last)) == 2


def test_another_machine_id_owns_nothing_of_it(paths: Paths, uploaded: TestBucket) -> None:
    running = under_way(paths, uploaded)
    identity.renew(paths, running.identity, identity.COPIED)
    running = under_way(paths, uploaded)
    last = running.receipts.last_success(running.target)
    assert running.known(last) == running.last_good() == {}


def test_what_is_gone_is_skipped_until_it_is_forgotten(
    paths: Paths, data: Path, uploaded: TestBucket
) -> None:
    (data / GRAPH).unlink()
    frozen = Snapshot(paths.snapshots, (), unchanged=(REFLECTION,))
    running = under_way(paths, uploaded)
    (skipped,) = running.gone(frozen).skipped
    assert (skipped.name, skipped.reason) == (GRAPH, "missing")
    forgotten.add(paths, GRAPH)
    assert running.gone(frozen).skipped == ()


def test_uploads_whose_receipts_are_gone_are_known_by_the_ledger(
    paths: Paths, uploaded: TestBucket
) -> None:
    for path in paths.receipts.glob("*.json"):
        path.unlink()
    (entry,) = under_way(paths, uploaded).lost()
    assert entry.upload in uploaded.object_keys()[0]


def test_a_request_chooses_among_what_the_settings_allow(paths: Paths, bucket: TestBucket) -> None:
    here = context(paths, bucket)
    assert destinations(Request(), here) == ("cloud", "http")
    assert destinations(Request(), here, dropped=("X is a project's",)) == ("cloud",)
    assert destinations(Request(allow_fallback=False), here) == ("cloud",)
    forced = context(paths, bucket, SESSION_BUDDY_AKOSHA_FORCE_METHOD="cloud")
    with pytest.raises(SettingsError):
        destinations(Request(method="http"), forced)
    assert destinations(Request(method="http", typed=True), forced) == ("http",)
