"""A home whose settings name a bucket that nothing listens at."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from tests.support.home import Home
from tests.support.reports import CLOUD


@pytest.fixture
def configured(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket=CLOUD.bucket,
        akosha_cloud_endpoint=CLOUD.endpoint,
        akosha_system_id=CLOUD.system_id,
    )
    return home
