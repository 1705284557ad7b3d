"""Requests to a server whose answers a test makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.s3_client import open_plain

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.stores.s3.client import S3Client


@pytest.fixture
def client(httpserver: HTTPServer) -> S3Client:
    return open_plain(httpserver.url_for(""))
