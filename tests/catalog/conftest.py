from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.duck import make_databases
from tests.support.home import Home

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    """Two small databases, a bucket, and settings that name it."""
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home
