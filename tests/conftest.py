"""Real S3 servers, one of each for the whole run, and a home of its own for every test."""

from __future__ import annotations

import logging
import os
import signal
import uuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from akosha_hook.demo.s3_server import S3Server, available
from akosha_hook.paths import Paths
from akosha_hook.util import log
from tests.support import speed
from tests.support.s3 import TestBucket, make_bucket, quick_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says something about the machine only. The examples are the same in every
# run, so that what fails was changed; asked for more of them, it draws others each time.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize="AKOSHA_TEST_EXAMPLES" not in os.environ
)
hypothesis_settings.load_profile("suite")

TESTS = Path(__file__).parent
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        path = PurePosixPath(item.path.relative_to(TESTS).as_posix())
        for mark in speed.marks(path, getattr(item, "fixturenames", ())):
            item.add_marker(mark)


@pytest.fixture(scope="session", autouse=True)
def _inherited() -> Iterator[None]:
    """What no environment tells: a shell's job in the background ignores Ctrl-C, umasks differ."""
    umask = os.umask(0o022)
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, interrupt)
    os.umask(umask)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """No test writes to another's log, nor redacts another's keys."""
    logger = logging.getLogger(log.LOGGER)
    before = list(logger.handlers)
    yield
    for handler in [each for each in logger.handlers if each not in before]:
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean home directory; nothing of the real environment but what programs need to run."""
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "COVERAGE", "HYPOTHESIS")):
            monkeypatch.delenv(name)
    directory = tmp_path / "home"
    directory.mkdir()
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(directory / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # A hook with no interpreter to run looks for an installed akosha-hook: not the developer's own.
    places = os.environ["PATH"].split(os.pathsep)
    without = [place for place in places if not (Path(place) / "akosha-hook").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
    return directory


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths.from_environment(os.environ)
    # A test that parametrizes `home` would replace the fixture and reach the real one.
    assert paths.claude.is_relative_to(tmp_path)
    return paths


def _server(name: str, factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with quick_server(factory.mktemp(name), name) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    yield from _server("seaweedfs", tmp_path_factory)


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    yield from _server("rclone", tmp_path_factory)


@pytest.fixture(params=available())
def any_server(request: pytest.FixtureRequest) -> S3Server:
    """Every S3 server installed here, one after the other."""
    server = request.getfixturevalue(request.param)
    assert isinstance(server, S3Server)
    return server


@pytest.fixture
def bucket(seaweedfs: S3Server) -> TestBucket:
    """A new bucket on SeaweedFS."""
    return make_bucket(seaweedfs, f"memories-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def any_bucket(any_server: S3Server) -> TestBucket:
    """A new bucket on every S3 server installed here."""
    return make_bucket(any_server, f"memories-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def seaweedfs_buckets(seaweedfs: S3Server) -> tuple[TestBucket, TestBucket]:
    """Two new buckets on SeaweedFS."""
    names = (f"memories-{uuid.uuid4().hex[:12]}" for _ in range(2))
    one, other = (make_bucket(seaweedfs, name) for name in names)
    return one, other
