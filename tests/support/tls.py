"""A real HTTPS server on loopback with a certificate authority of its own."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import trustme
from pytest_httpserver import HTTPServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_ca(authority: trustme.CA, path: Path) -> Path:
    authority.cert_pem.write_to_path(str(path))
    return path


@contextlib.contextmanager
def https_server(authority: trustme.CA, *names: str) -> Iterator[HTTPServer]:
    """Serve `ok` at `/` under a certificate for `names`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    with HTTPServer(host="127.0.0.1", ssl_context=context, threaded=True) as server:
        server.expect_request("/").respond_with_data("ok")
        yield server
