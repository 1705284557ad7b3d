"""Every upload read back: what is shared is downloaded once, and what is damaged is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from akosha_hook import catalog
from akosha_hook.errors import BusyError
from akosha_hook.restore import AllUploads, check_uploads, read_all
from akosha_hook.restore.read_all import remove_abandoned
from akosha_hook.util.lock import Lock
from tests.support.duck import add_ballast, change
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.home import Home
from tests.support.recovery import context, put, read_manifest, upload


@pytest.fixture
def network(at_home: Home) -> Iterator[FaultyProxy]:
    assert at_home.bucket is not None
    with faulty_proxy(at_home.bucket.server.endpoint) as proxy:
        at_home.configure(akosha_cloud_endpoint=proxy.url)
        yield proxy


def read(home: Home) -> AllUploads:
    here = context(home.paths)
    store = catalog.open_to_read(here)
    return read_all(store, check_uploads(store, "laptop", here), here)


def test_every_object_is_downloaded_once_and_nothing_is_left(
    at_home: Home, network: FaultyProxy
) -> None:
    """A whole upload, two deltas on it, and references to both databases."""
    reflection = at_home.paths.data / "reflection.duckdb"
    add_ballast(reflection)
    uploads = [upload(at_home.paths)]
    for count in (5, 6):
        change(reflection, count)
        uploads.append(upload(at_home.paths))
    assert at_home.bucket is not None
    newest = read_manifest(at_home.bucket, uploads[-1])["metadata"]["files"]
    assert any(each["delta"] for each in newest)
    network.asked.clear()
    found = read(at_home)
    assert found.is_read
    assert (len(found.uploads), found.damaged, found.notes) == (3, (), ())
    gets = Counter(each.path for each in network.asked if each.operation == "GetObject")
    sizes = {path: len(at_home.bucket.read(path.split("/", 2)[2])) for path in gets}
    assert len(gets) == 4
    assert found.downloaded_bytes == sum(sizes.values())
    assert not at_home.paths.check.exists()


def test_bytes_that_changed_at_the_same_size_are_named(at_home: Home, network: FaultyProxy) -> None:
    """A listing and a HEAD show nothing of it."""
    assert at_home.bucket is not None
    first = upload(at_home.paths)
    change(at_home.paths.data / "reflection.duckdb", 5)
    second = upload(at_home.paths)
    (file,) = (
        each
        for each in read_manifest(at_home.bucket, first)["metadata"]["files"]
        if each["name"] == "knowledge_graph.duckdb"
    )
    data = bytearray(at_home.bucket.read(file["key"]))
    data[len(data) // 2] ^= 1
    put(at_home.bucket, file["key"], bytes(data), {"sha256": file["sha256"]})
    here = context(at_home.paths)
    assert not check_uploads(catalog.open_to_read(here), "laptop", here).damaged
    found = read(at_home)
    assert {each.upload.upload_id for each in found.damaged} == {first, second}
    assert all(file["key"] in each.problem for each in found.damaged)


def test_what_was_damaged_before_it_was_uploaded_is_named(at_home: Home) -> None:
    """The hashes are right: only DuckDB can tell."""
    first = upload(at_home.paths)
    path = at_home.paths.data / "reflection.duckdb"
    data = bytearray(path.read_bytes())
    data[12288:] = b"\xff" * (len(data) - 12288)
    path.write_bytes(data)
    second = upload(at_home.paths)
    found = read(at_home)
    assert [each.upload.upload_id for each in found.damaged] == [second]
    assert "DuckDB finds reflection.duckdb damaged" in found.damaged[0].problem
    assert first in {each.upload.upload_id for each in found.uploads}


def test_two_at_once_are_not_possible_and_a_killed_one_is_cleaned_up(at_home: Home) -> None:
    upload(at_home.paths)
    lock = Lock(at_home.paths.check_lock)
    assert lock.acquire()
    (at_home.paths.check / "left").mkdir(parents=True)
    with pytest.raises(BusyError, match="is running"):
        read(at_home)
    remove_abandoned(at_home.paths)
    assert at_home.paths.check.exists()
    lock.release()
    # Any sync removes what a killed one left.
    upload(at_home.paths, full=True)
    assert not at_home.paths.check.exists()
    assert not read(at_home).damaged
