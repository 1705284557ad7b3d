"""What a store holds: systems, uploads, and whether each is complete."""

from __future__ import annotations

import pytest

from akosha_hook import catalog
from akosha_hook.catalog import listing
from akosha_hook.errors import DamagedError
from akosha_hook.format import manifest
from akosha_hook.stores.base import Listed

SYSTEM, UPLOAD = "laptop", "20261122_120000_laptop"
PREFIX = manifest.prefix(SYSTEM, UPLOAD)


def test_manifests_that_no_memory_holds_are_not_read() -> None:
    """Whoever may write to the bucket may store any number of them, of any length."""
    key = f"{PREFIX}manifest.json"
    one = catalog.Upload(SYSTEM, UPLOAD, (Listed(key, 10**12, 0.0),))
    assert one.manifest_bytes == manifest.MAX_BYTES
    count = listing.MAX_MANIFESTS_BYTES // manifest.MAX_BYTES
    listing._refuse_flood(SYSTEM, [one] * count)
    with pytest.raises(DamagedError, match="more than is believable"):
        listing._refuse_flood(SYSTEM, [one] * (count + 1))
