"""A faulty network before a real S3 server, and a home whose settings lead through it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from akosha_hook.demo.s3_server import S3Server
from akosha_hook.paths import Paths
from tests.support.faults import FaultyProxy, faulty_proxy
from tests.support.faulty_home import FaultyHome
from tests.support.forks import Forks, fork_server
from tests.support.s3 import make_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Processes that cost a fork each."""
    with fork_server() as forks:
        yield forks


@pytest.fixture
def proxy(seaweedfs: S3Server) -> Iterator[FaultyProxy]:
    """Before SeaweedFS."""
    with faulty_proxy(seaweedfs.endpoint) as proxy:
        yield proxy


@pytest.fixture
def faulty_home(paths: Paths, seaweedfs: S3Server, proxy: FaultyProxy) -> FaultyHome:
    """Databases, a bucket behind the proxy, and settings that lose no time."""
    return _faulty_home(paths, seaweedfs, proxy)


@pytest.fixture
def any_faulty_home(paths: Paths, any_server: S3Server) -> Iterator[FaultyHome]:
    """The same before every S3 server installed here."""
    with faulty_proxy(any_server.endpoint) as proxy:
        yield _faulty_home(paths, any_server, proxy)


def _faulty_home(paths: Paths, server: S3Server, proxy: FaultyProxy) -> FaultyHome:
    bucket = make_bucket(server, f"memories-{uuid.uuid4().hex[:12]}")
    faulty_home = FaultyHome(paths, bucket, proxy=proxy)
    faulty_home.configure(
        akosha_cloud_endpoint=proxy.url,
        akosha_enable_fallback=False,
        akosha_enable_compression=False,
        akosha_enable_delta=False,
        akosha_settle_seconds=0,
        akosha_min_interval_seconds=0,
        akosha_max_retries=2,
        akosha_retry_backoff_seconds=0.01,
    )
    return faulty_home
