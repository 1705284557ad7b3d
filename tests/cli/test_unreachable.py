"""What a command says when the bucket cannot be used: in words of what was being done."""

from __future__ import annotations

import re

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from akosha_hook.paths import Paths
from tests.support.home import Home

KEYS = {"AWS_ACCESS_KEY_ID": "key-of-nobody", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
READING = (
    ("ls",),
    ("restore",),
    ("restore", "20261122_120000_x"),
    ("verify",),
    ("prune", "--keep-last", "1"),
)


@pytest.fixture
def at_home(paths: Paths) -> Home:
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://127.0.0.1:9",
        akosha_max_retries=0,
        akosha_enable_fallback=False,
    )
    return home


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_command_that_syncs_nothing_speaks_of_no_sync(
    at_home: Home, command: tuple[str, ...]
) -> None:
    done = at_home.akosha_hook(*command, **KEYS)
    assert done.returncode == 5
    assert "Error: The bucket could not be used: the endpoint cannot be reached" in done.stderr
    assert "sync failed" not in done.stderr


def test_a_missing_object_that_looks_like_a_missing_right_is_explained(
    at_home: Home, httpserver: HTTPServer
) -> None:
    """S3 answers 403 for a key that is not there to whoever may not list."""
    denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    httpserver.expect_request(re.compile(".*")).respond_with_handler(
        lambda _: Response(denied, 403, content_type="application/xml")
    )
    at_home.configure(akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"))
    result = at_home.akosha_hook("restore", "20261122_120000_x", **KEYS)
    assert result.returncode == 4
    assert "The bucket could not be used: Authentication failed: access denied" in result.stderr
    assert "Without s3:ListBucket, S3 answers the same for an object that is not" in result.stderr
    listing = at_home.akosha_hook("ls", **KEYS)
    assert "Without s3:ListBucket" not in listing.stderr
