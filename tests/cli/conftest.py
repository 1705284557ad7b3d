"""What the tests of commands share."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from tests.support.config_command import ConfigCommand
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def uploading_home(paths: Paths, bucket: TestBucket) -> Home:
    """A home with small databases and an empty bucket of its own."""
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_max_retries=0, akosha_enable_fallback=False, akosha_system_id="laptop")
    return home


@pytest.fixture
def config(capsys: pytest.CaptureFixture[str]) -> ConfigCommand:
    return ConfigCommand(capsys)
