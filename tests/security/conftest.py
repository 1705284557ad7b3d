"""A home with planted secrets, and requests to a stand-in S3 server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.install import wrapper
from akosha_hook.paths import Paths
from akosha_hook.stores.s3.client import S3Client
from tests.support.canaries import MEMORY
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.hooks import install_script, record_interpreter
from tests.support.s3 import TestBucket
from tests.support.s3_client import open_plain


@pytest.fixture
def planted(paths: Paths) -> Home:
    """Databases with a planted memory, and settings that lose no time."""
    make_databases(paths.data, conversations=3)
    with duckdb.connect(str(paths.data / "reflection.duckdb")) as connection:
        connection.execute("INSERT INTO conversations_v2 (id, content) VALUES ('x', ?)", [MEMORY])
    home = Home(paths)
    home.configure(
        akosha_settle_seconds=0,
        akosha_min_interval_seconds=0,
        akosha_max_retries=1,
        akosha_retry_backoff_seconds=0,
        akosha_upload_timeout_seconds=20,
        enable_debug_mode=True,
        log_level="DEBUG",
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://127.0.0.1:9",
        akosha_http_url="http://127.0.0.1:9",
    )
    return home


@pytest.fixture
def client(httpserver: HTTPServer) -> S3Client:
    """Requests to a server whose answers a test makes up."""
    return open_plain(httpserver.url_for(""))


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=5)
    home = Home(paths, bucket)
    home.configure(akosha_settle_seconds=0, akosha_min_interval_seconds=0, akosha_max_retries=0)
    install_script(paths)
    record_interpreter(paths, sys.executable)
    return home


@pytest.fixture
def clone(tmp_path: Path, at_home: Home) -> Path:
    """Somebody's repository, in which the user made our hook work."""
    directory = tmp_path / "clone"
    directory.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=directory, check=True)
    hooks = directory / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    ours = wrapper.hook(
        wrapper.script_expression(at_home.paths.hook_script, shared=False), "post-commit"
    )
    (hooks / "post-commit").write_bytes(ours.data)
    (hooks / "post-commit").chmod(ours.mode)
    return directory
