"""What a look at the uploads remembers for `status`; tests/security/test_planted_uploads.py has attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook import catalog
from akosha_hook.catalog import Ownership
from akosha_hook.state import tampering
from tests.support.recovery import context, put, read_manifest, upload, write_manifest

if TYPE_CHECKING:
    from tests.support.home import Home


def survey(home: Home, system_id: str = "laptop") -> catalog.Listing:
    here = context(home.paths)
    return catalog.survey(catalog.open_to_read(here), system_id, here, Ownership.look(here))


def seen(home: Home) -> tampering.Tampering | None:
    assert home.bucket is not None
    endpoint = context(home.paths).settings.akosha_cloud_endpoint
    return tampering.last(home.paths, tampering.place(endpoint, home.bucket.name, "laptop"))


def test_a_changed_manifest_is_remembered_until_it_is_in_order_again(at_home: Home) -> None:
    assert at_home.bucket is not None
    name = upload(at_home.paths)
    survey(at_home)
    assert not at_home.paths.tampering.exists()
    key = f"systems/laptop/uploads/{name}/manifest.json"
    before = at_home.bucket.read(key)
    document = read_manifest(at_home.bucket, name)
    write_manifest(at_home.bucket, name, document | {"conversation_count": 7})
    survey(at_home)
    found = seen(at_home)
    assert found is not None
    assert [each.upload_id for each in found.findings] == [name]
    put(at_home.bucket, key, before)
    survey(at_home)
    assert seen(at_home) is None


def test_of_another_system_nothing_is_remembered(at_home: Home) -> None:
    assert at_home.bucket is not None
    upload(at_home.paths)
    at_home.configure(akosha_system_id="desktop")
    survey(at_home, "laptop")
    assert not at_home.paths.tampering.exists()


def test_keys_that_no_upload_has_are_said(at_home: Home) -> None:
    assert at_home.bucket is not None
    for number in range(5):
        put(at_home.bucket, f"systems/laptop/uploads/{number}", b"x")
    found = survey(at_home)
    assert (found.stray_count, len(found.strays)) == (5, 3)
    (note,) = found.notes("laptop")
    assert note.startswith("5 objects below systems/laptop/uploads/ can be no upload's: ")
