"""Whole objects through `store`, of every size around one part."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from akosha_hook.stores.base import Journal
from akosha_hook.stores.s3.multipart import ObjectPlan, store

if TYPE_CHECKING:
    from akosha_hook.stores.s3.bucket import Bucket

PART = 5 << 20


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1])
def test_an_object_of_any_size_is_stored_as_it_is(bucket: Bucket, prefix: str, size: int) -> None:
    data = hashlib.shake_128(b"memories").digest(size)
    pieces = [data[start : start + PART] for start in range(0, size, PART)] or [b""]
    plan = ObjectPlan(
        f"{prefix}object", {}, "identity", hashlib.sha256(data).hexdigest(), PART, pieces.__iter__
    )
    journal = Journal({}, {}, lambda: None)
    stored = store(bucket, plan, parallel=2, journal=journal)
    assert stored.size == size
    assert bucket.get(plan.key, limit=1 << 24) == data
    assert not journal.partial
