"""A home with databases and a bucket of its own."""

from __future__ import annotations

import pytest

from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_enable_fallback=False)
    return home


@pytest.fixture
def installed(at_home: Home) -> Home:
    assert at_home.akosha_hook("install").returncode == 0
    return at_home


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "bbbb")
