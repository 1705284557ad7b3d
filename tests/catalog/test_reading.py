"""Reading many manifests, of which somebody may have planted any number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook import catalog
from akosha_hook.catalog import Ownership, reading
from akosha_hook.catalog.model import Upload
from akosha_hook.errors import DeliveryError
from akosha_hook.format import manifest
from akosha_hook.stores.base import Listed
from tests.support.faults import Exchange, error, faulty_proxy, passed
from tests.support.recovery import context, put, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.home import Home

SYSTEM = "laptop"


def listed(name: str, size: int) -> Upload:
    key = f"{manifest.prefix(SYSTEM, name)}{manifest.NAME}"
    return Upload(SYSTEM, name, (Listed(key, size, 0.0),))


def test_a_manifest_is_read_no_further_than_it_can_be_long() -> None:
    assert listed("u", 10**12).manifest_bytes == manifest.MAX_BYTES


def test_more_than_memory_holds_is_left_out_and_the_longest_first() -> None:
    huge = [listed(f"huge{at}", 10**12) for at in range(40)]
    small = [listed(f"small{at}", 2000) for at in range(100)]
    read, left_out = reading.believable(huge + small, None)
    assert {each.upload_id for each in small} <= {each.upload_id for each in read}
    assert {each.upload_id for each in left_out} <= {each.upload_id for each in huge}
    assert sum(each.manifest_bytes for each in read) <= reading.MAX_MANIFESTS_BYTES


def test_our_own_are_read_however_many_others_there_are(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_home.bucket is not None
    ours = upload(at_home.paths)
    for at in range(30):
        put(at_home.bucket, f"systems/{SYSTEM}/uploads/2{at:03}/manifest.json", b"{}")
    monkeypatch.setattr(reading, "MAX_MANIFESTS", 10)
    here = context(at_home.paths)
    store, ownership = catalog.open_to_read(here), Ownership.look(here)
    found = {each.upload_id: each for each in catalog.uploads(store, SYSTEM, ownership)}
    assert found[ours].complete
    assert sum(each.problem == reading.NOT_READ for each in found.values()) == 20


def test_an_object_that_nobody_may_read_is_a_problem_of_its_upload_alone(at_home: Home) -> None:
    """As where its owner is another account, or it is encrypted with a key of somebody else's."""
    assert at_home.bucket is not None
    ours = upload(at_home.paths)
    key = f"systems/{SYSTEM}/uploads/theirs/manifest.json"
    put(at_home.bucket, key, b"{}")
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(akosha_cloud_endpoint=proxy.url)
        store = catalog.open_to_read(context(at_home.paths))
        for status, code in ((403, "AccessDenied"), (400, "InvalidRequest")):
            proxy.heal()
            proxy.on("GetManifest", fault=_for_theirs(error(status, code)))
            found = {each.upload_id: each for each in catalog.uploads(store, SYSTEM)}
            assert found[ours].complete
            assert found["theirs"].problem.startswith("The manifest of theirs ")
            assert "read" in found["theirs"].problem


def _for_theirs(fault: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    return lambda exchange: (fault if "/theirs/" in exchange.asked.path else passed)(exchange)


def test_keys_that_may_read_nothing_are_no_problem_of_uploads(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(akosha_cloud_endpoint=proxy.url)
        proxy.on("GetManifest", fault=error(403, "AccessDenied"))
        with pytest.raises(DeliveryError):
            catalog.uploads(catalog.open_to_read(context(at_home.paths)), SYSTEM)


def test_an_empty_manifest_is_a_problem_of_its_upload_alone(at_home: Home) -> None:
    assert at_home.bucket is not None
    ours = upload(at_home.paths)
    put(at_home.bucket, f"systems/{SYSTEM}/uploads/empty/manifest.json", b"")
    store = catalog.open_to_read(context(at_home.paths))
    found = {each.upload_id: each for each in catalog.uploads(store, SYSTEM)}
    assert found[ours].complete
    assert found["empty"].problem
