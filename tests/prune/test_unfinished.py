"""Multipart uploads that nobody will complete: ours at once, others' when a system is named."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from akosha_hook.catalog import Ownership
from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.prune.unfinished import Begun, unfinished_uploads
from akosha_hook.state.ledger import Ledger
from akosha_hook.state.ledger_lines import NO_MANIFEST, Entry
from akosha_hook.stores.base import ObjectStore, Unfinished
from tests.support.reports import leave_receipt

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

OURS, THEIRS = "20260101_000001_laptop", "20260101_000002_laptop"


class Bucket:
    """Only what is begun in it, a day and an hour ago or just now."""

    def __init__(self, *, denied: bool = False, hours: float = 0.0) -> None:
        self.denied = denied
        self.started = time.time() - hours * 3600

    def unfinished(self, prefix: str) -> tuple[Unfinished, ...]:
        if self.denied:
            raise DeliveryError("no", kind=Kind.DENIED, code="AccessDenied")
        keys = (f"systems/laptop/uploads/{each}/x" for each in (OURS, THEIRS))
        return tuple(Unfinished(key, key[-12:], self.started) for key in keys)


def keys_to_abort(
    paths: Paths, bucket: Bucket, *ours: Begun, named: bool = False
) -> tuple[list[str], tuple[str, ...]]:
    ledger = Ledger(paths)
    ledger.add(Entry(upload=OURS, system="laptop", machine="m", store="", sha256=NO_MANIFEST))
    store = cast("ObjectStore", bucket)
    found, notes = unfinished_uploads(store, "laptop", ours, Ownership("m", ledger), named=named)
    return [key.split("/")[3] for key, _ in found], notes


def test_ours_are_aborted_at_once_and_others_never(paths: Paths) -> None:
    assert keys_to_abort(paths, Bucket()) == ([OURS], ())
    assert keys_to_abort(paths, Bucket(hours=25)) == ([OURS], ())


def test_where_the_system_was_named_others_go_when_they_are_a_day_old(paths: Paths) -> None:
    assert keys_to_abort(paths, Bucket(hours=23), named=True) == ([OURS], ())
    assert keys_to_abort(paths, Bucket(hours=25), named=True) == ([OURS, THEIRS], ())


def test_one_that_a_sync_will_continue_stays(paths: Paths) -> None:
    receipt = leave_receipt(paths, 1, error="no")
    assert keys_to_abort(paths, Bucket(), Begun(receipt, ())) == ([OURS], ())
    running = msgspec.structs.replace(receipt, state="uploading")
    assert keys_to_abort(paths, Bucket(), Begun(running, ())) == ([], ())


def test_where_listing_them_is_denied_a_note_says_so(paths: Paths) -> None:
    assert keys_to_abort(paths, Bucket(denied=True)) == (
        [],
        ("unfinished uploads could not be listed (AccessDenied)",),
    )


def test_a_server_that_fails_is_an_error(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Bucket, prefix: str) -> tuple[Unfinished, ...]:
        raise DeliveryError("slow", kind=Kind.THROTTLED, code="SlowDown", retryable=True)

    monkeypatch.setattr(Bucket, "unfinished", fail)
    with pytest.raises(DeliveryError):
        keys_to_abort(paths, Bucket())
