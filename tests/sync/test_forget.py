"""Giving up a database that was stored once."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.paths import Paths
from akosha_hook.state import forgotten
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.receipt import Receipt
from akosha_hook.state.receipts import Receipts
from akosha_hook.sync import look
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


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"x" * 99, "is neither a DuckDB nor")]
)
def test_one_that_cannot_be_stored_is_not_said_to_be_stored_again(
    paths: Paths, data: Path, bucket: TestBucket, content: bytes, why: str
) -> None:
    sync(paths, bucket)
    (data / GRAPH).write_bytes(content)
    with pytest.raises(AkoshaHookError, match=why) as caught:
        give_up(paths, bucket, GRAPH)
    assert "store it again" not in caught.value.message
    assert f"akosha-hook restore --file {GRAPH}" in caught.value.hint


def stored_anew(paths: Paths, data: Path, bucket: TestBucket) -> tuple[Receipt, Receipt]:
    """Two uploads, each with a copy of its own; then the database is gone."""
    uploads = []
    for content in ((data / GRAPH).read_bytes(), (data / REFLECTION).read_bytes()):
        (data / GRAPH).write_bytes(content)
        receipt = sync(paths, bucket).receipt
        assert receipt is not None
        uploads.append(receipt)
    (data / GRAPH).unlink()
    first, second = uploads
    return first, second


def key_of(receipt: Receipt) -> str:
    return next(each.key for each in receipt.files if each.name == GRAPH)


def test_the_upload_that_is_named_still_has_the_copy(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first, second = stored_anew(paths, data, bucket)
    bucket.client.remove_object(bucket.name, key_of(second))
    forgot = give_up(paths, bucket, GRAPH)
    assert (forgot.upload_id, forgot.keys) == (first.upload_id, (key_of(first),))
    assert forgot.as_of == first.started


def test_an_upload_that_was_pruned_is_not_named(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first, second = stored_anew(paths, data, bucket)
    Ledger(paths).remove({second.upload_id})
    assert give_up(paths, bucket, GRAPH).upload_id == first.upload_id


def test_where_no_copy_is_left_none_is_named(paths: Paths, data: Path, bucket: TestBucket) -> None:
    for each in stored_anew(paths, data, bucket):
        bucket.client.remove_object(bucket.name, key_of(each))
    assert give_up(paths, bucket, GRAPH) == Forgot(GRAPH, "", bucket.name, "", ())


def test_without_a_network_the_newest_is_named(
    paths: Paths, data: Path, bucket: TestBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = stored_anew(paths, data, bucket)

    def unreachable(*_: object, **__: object) -> None:
        raise AkoshaHookError("no network")

    monkeypatch.setattr(look, "look", unreachable)
    assert give_up(paths, bucket, GRAPH).upload_id == second.upload_id
