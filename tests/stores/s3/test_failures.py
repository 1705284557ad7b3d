"""What is said of a connection that could not be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.settings import Settings
from tests.support.contract import Place, keys
from tests.support.tls import https_server

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from akosha_hook.paths import Paths


def failure(paths: Paths, endpoint: str) -> DeliveryError:
    """The error of asking for an object there."""
    settings = Settings(akosha_cloud_endpoint=endpoint, akosha_cloud_bucket="memories")
    with pytest.raises(DeliveryError) as caught:
        Place(settings, keys("access", "secret")).open(paths).head("systems/key")
    return caught.value


def test_a_certificate_that_nobody_vouches_for(paths: Paths) -> None:
    with https_server(trustme.CA(), "127.0.0.1") as server:
        error = failure(paths, server.url_for("").rstrip("/"))
    assert "certificate verify failed: unable to get local issuer" in error.message
    assert "akosha_ca_file" in error.hint
    assert not error.retryable


def test_a_certificate_of_another_host(paths: Paths) -> None:
    authority = trustme.CA()
    with https_server(authority, "elsewhere.test") as server:
        error = failure(paths, f"https://127.0.0.1:{server.port}")
    assert "certificate verify failed" in error.message


def test_tls_with_a_server_that_has_none(paths: Paths, httpserver: HTTPServer) -> None:
    error = failure(paths, f"https://127.0.0.1:{httpserver.port}")
    assert "is the endpoint an http:// one?" in error.hint
    assert not error.retryable


def test_a_port_where_nothing_listens(paths: Paths) -> None:
    error = failure(paths, f"http://127.0.0.1:{free_ports(1)[0]}")
    assert error.kind is Kind.UNREACHABLE
    assert "it refuses connections" in error.message
    assert error.retryable
