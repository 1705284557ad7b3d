"""Giving up a database that was stored once."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.paths import Paths
from akosha_hook.state import forgotten
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync.forget import Forgot, forget
from tests.support.duck import change
from tests.support.s3 import TestBucket
from tests.support.syncing import context, sync

GRAPH, REFLECTION = "knowledge_graph.duckdb", "reflection.duckdb"


def give_up(paths: Paths, bucket: TestBucket, name: str) -> Forgot:
    return forget(name, context(paths, bucket), Receipts(paths))


def test_what_is_forgotten_is_no_longer_carried_until_it_is_stored_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    good = (data / GRAPH).read_bytes()
    first = sync(paths, bucket)
    assert first.receipt is not None
    (data / GRAPH).unlink()
    assert [each.name for each in sync(paths, bucket).missed] == [GRAPH]
    forgot = give_up(paths, bucket, GRAPH)
    assert forgot.as_of == first.receipt.started
    assert forgot.upload_id == first.receipt.upload_id
    assert forgot.keys[0] in bucket.object_keys()
    assert sync(paths, bucket).missed == ()
    change(data / REFLECTION, 1)
    second = sync(paths, bucket)
    assert second.receipt is not None
    assert [each.name for each in second.receipt.files] == [REFLECTION]
    assert second.receipt.skipped == {}
    assert forgotten.names(paths) == {GRAPH}
    (data / GRAPH).write_bytes(good)
    sync(paths, bucket)
    assert forgotten.names(paths) == frozenset()
    (data / GRAPH).unlink()
    assert [each.name for each in sync(paths, bucket).missed] == [GRAPH]


def test_one_that_was_left_out_can_be_forgotten(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    outcome = sync(paths, bucket, SESSION_BUDDY_AKOSHA_DATABASES=REFLECTION)
    assert [each.reason for each in outcome.missed] == ["excluded"]
    only = context(paths, bucket, SESSION_BUDDY_AKOSHA_DATABASES=REFLECTION)
    forget(GRAPH, only, Receipts(paths))
    assert sync(paths, bucket, SESSION_BUDDY_AKOSHA_DATABASES=REFLECTION).missed == ()


def test_one_that_is_still_there_would_only_be_stored_again(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    with pytest.raises(AkoshaHookError, match="would only store it again") as caught:
        give_up(paths, bucket, GRAPH)
    assert "akosha_databases" in caught.value.hint
    assert forgotten.names(paths) == frozenset()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("knowledge_grap.duckdb", f"akosha-hook forget {GRAPH}"),
        (f"{GRAPH}.wal", f"It goes with its database: akosha-hook forget {GRAPH}"),
        ("x", f"Databases that were stored: {GRAPH}, {REFLECTION}."),
    ],
)
def test_one_that_was_never_stored_is_refused_with_those_that_were(
    paths: Paths, data: Path, bucket: TestBucket, name: str, hint: str
) -> None:
    sync(paths, bucket)
    with pytest.raises(AkoshaHookError, match="was ever stored") as caught:
        give_up(paths, bucket, name)
    assert caught.value.hint == hint
    assert caught.value.exit_code is ExitCode.USAGE


def test_before_the_first_upload_there_is_nothing_to_forget(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    with pytest.raises(AkoshaHookError) as caught:
        give_up(paths, bucket, GRAPH)
    assert "Nothing was uploaded" in caught.value.hint
