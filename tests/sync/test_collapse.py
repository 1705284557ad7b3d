"""A database that loses most of what is in it: stored, said, and the upload before it kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from akosha_hook.paths import Paths
from akosha_hook.state import collapsed
from akosha_hook.state.receipt import Collapse, Receipt, ReceiptFile
from akosha_hook.sync.collapse import collapses
from akosha_hook.sync.outcome import Outcome
from tests.support.duck import change, empty
from tests.support.s3 import TestBucket
from tests.support.state_documents import WHEN, whole_receipt
from tests.support.syncing import sync

REFLECTION = "reflection.duckdb"
NOW = "2026-11-24T00:00:00.000+00:00"


def counted(count: int | None, **changes: Any) -> ReceiptFile:
    (file,) = whole_receipt().files
    return msgspec.structs.replace(file, conversations=count, **changes)


def upload(name: str, count: int | None) -> Receipt:
    return msgspec.structs.replace(whole_receipt(), upload_id=name, files=(counted(count),))


def compare(
    now: int | None, *before: int | None, known: Collapse | None = None
) -> tuple[dict[str, Collapse], tuple[Collapse, ...]]:
    """`before` are the counts of earlier uploads, newest first."""
    earlier = [upload(f"u{number}", count) for number, count in enumerate(before)]
    open_ = {known.name: known} if known else {}
    return collapses([counted(now)], earlier, open_, (), now=NOW)


@pytest.mark.parametrize(
    ("now", "before", "is_one"),
    [
        (0, (10,), True),
        (4, (10,), True),
        (5, (10,), False),  # half is left
        (0, (9,), False),  # too few to say anything
        (12, (10,), False),
        (0, (), False),
        (0, (0, 1000), False),  # was said before
        (3, (None, 1000), True),  # the one between could not be counted
        (None, (1000,), False),
    ],
)
def test_what_is_a_collapse(now: int | None, before: tuple[int | None, ...], is_one: bool) -> None:
    still, new = compare(now, *before)
    assert bool(new) == bool(still) == is_one
    if is_one:
        assert new[0].upload_id == ("u1" if before[0] is None else "u0")
        assert (new[0].before, new[0].now) == (max(each or 0 for each in before), now)


def test_of_a_set_its_files_are_counted() -> None:
    def files(count: int) -> ReceiptFile:
        name = "session-files.tar"
        return counted(None, name=name, database=name, kind="files", members=count)

    earlier = [msgspec.structs.replace(upload("u", None), files=(files(20),))]
    _, (lost,) = collapses([files(3)], earlier, {}, (), now=NOW)
    assert (lost.what, lost.before, lost.now, lost.upload_id) == ("files", 20, 3, "u")
    assert collapses([files(11)], earlier, {}, (), now=NOW) == ({}, ())


def test_a_loss_stays_until_as_many_are_there_again() -> None:
    lost = Collapse(
        name=REFLECTION, what="conversations", before=100, now=0, upload_id="good", since=WHEN
    )
    more, new = compare(60, 0, known=lost)
    assert (more[REFLECTION].now, more[REFLECTION].upload_id, new) == (60, "good", ())
    assert compare(None, 0, known=lost) == ({REFLECTION: lost}, ())
    assert compare(100, 0, known=lost) == ({}, ())


def test_one_loss_after_another_points_to_the_upload_before_the_first() -> None:
    lost = Collapse(
        name=REFLECTION, what="conversations", before=100, now=40, upload_id="good", since=WHEN
    )
    still, (new,) = compare(10, 40, known=lost)
    assert still == {REFLECTION: new}
    assert (new.before, new.now, new.upload_id, new.since) == (100, 10, "good", NOW)


def test_one_that_was_given_up_or_is_not_there_is_no_collapse() -> None:
    earlier = [upload("u", 1000)]
    assert collapses([counted(0)], earlier, {}, {REFLECTION}, now=NOW) == ({}, ())
    assert collapses([], earlier, {}, (), now=NOW) == ({}, ())


def collapse_of(outcome: Outcome) -> list[str]:
    return [each["name"] for each in outcome.result()["collapsed"]]


def test_emptied_tables_are_stored_said_once_and_recovered(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    first = sync(paths, bucket)
    assert collapse_of(first) == []
    good = (data / REFLECTION).read_bytes()
    empty(data / REFLECTION)
    second = sync(paths, bucket)
    assert second.success
    assert collapse_of(second) == [REFLECTION]
    assert first.receipt is not None
    assert second.receipt is not None
    (lost,) = second.receipt.collapsed
    assert (lost.before, lost.now, lost.upload_id) == (20, 0, first.receipt.upload_id)
    assert collapse_of(sync(paths, bucket)) == []
    change(data / REFLECTION, 1)
    assert collapse_of(sync(paths, bucket)) == []
    target = second.receipt.destination
    assert collapsed.at(paths, target)[REFLECTION].now == 1
    (data / REFLECTION).write_bytes(good)
    assert collapse_of(sync(paths, bucket)) == []
    assert collapsed.at(paths, target) == {}


def test_a_deleted_database_is_missed_and_one_made_anew_is_a_collapse(
    paths: Paths, data: Path, bucket: TestBucket
) -> None:
    sync(paths, bucket)
    good = (data / REFLECTION).read_bytes()
    (data / REFLECTION).unlink()
    change_graph(data)
    gone = sync(paths, bucket)
    assert collapse_of(gone) == []
    assert [each.name for each in gone.missed] == [REFLECTION]
    (data / REFLECTION).write_bytes(good)
    empty(data / REFLECTION)
    assert collapse_of(sync(paths, bucket)) == [REFLECTION]


def change_graph(data: Path) -> None:
    with duckdb.connect(str(data / "knowledge_graph.duckdb")) as connection:
        connection.execute("CREATE TABLE more AS SELECT range FROM range(100)")
