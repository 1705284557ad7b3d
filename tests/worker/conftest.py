"""A home whose worker has no reason to wait."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    """Databases, a bucket, and no waiting between uploads."""
    make_databases(paths.data, conversations=20)
    home = Home(paths, bucket)
    home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_max_retries=0)
    return home
