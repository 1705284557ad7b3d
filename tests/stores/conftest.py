"""Where stores are tested: SeaweedFS and rclone, plain and over TLS, or an endpoint that is named."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from akosha_hook.demo.s3_server import S3Server, available
from tests.support.contract import GUIDE_BUCKET, Place, named_place, place_on, tls_server
from tests.support.tls import write_ca

if TYPE_CHECKING:
    from collections.abc import Iterator

    from akosha_hook.paths import Paths
    from akosha_hook.stores.base import ObjectStore
    from akosha_hook.stores.s3.client import S3Client

# Read before the fixtures clean the environment.
NAMED = named_place(os.environ)
PLACES = ("named",) if NAMED else (*available(), *(f"{name}_tls" for name in available()))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ca(authority, tmp_path_factory.mktemp("authority") / "ca.pem")


@pytest.fixture(scope="session")
def rclone_tls(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    with tls_server(tmp_path_factory.mktemp("rclone-tls"), "rclone", authority) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs_tls(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    with tls_server(tmp_path_factory.mktemp("seaweedfs-tls"), "seaweedfs", authority) as server:
        yield server


@pytest.fixture(scope="session", params=PLACES)
def place(request: pytest.FixtureRequest, ca_file: Path) -> Place:
    """An endpoint with a bucket, one after the other."""
    if NAMED:
        return NAMED
    server = request.getfixturevalue(request.param)
    assert isinstance(server, S3Server)
    return place_on(server, ca_file=ca_file if request.param.endswith("_tls") else None)


@pytest.fixture(scope="session")
def guide_place(seaweedfs_tls: S3Server, ca_file: Path) -> Place:
    """The bucket of the user guide, on a server that judges by policies."""
    return place_on(seaweedfs_tls, ca_file=ca_file, bucket=GUIDE_BUCKET)


@pytest.fixture
def bucket(place: Place, paths: Paths) -> S3Client:
    """The requests that can be made of an S3 bucket."""
    return place.open(paths)


@pytest.fixture
def store(place: Place, paths: Paths) -> ObjectStore:
    """Every store that there is."""
    return place.store(paths)


@pytest.fixture
def prefix(store: ObjectStore) -> Iterator[str]:
    """A place of the test's own in the store; what it leaves there is deleted."""
    own = f"systems/contract-{uuid.uuid4().hex[:12]}/uploads/1/"
    yield own
    for upload in store.unfinished(own):
        store.abort(upload)
    store.delete([each.key for each in store.list(own)])
