"""The connection to the bucket's server, with each step broken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import ExitCode
from tests.support.findings import examine, only
from tests.support.home import Home


def test_a_server_that_is_not_there(at_home: Home) -> None:
    at_home.configure(akosha_cloud_endpoint=f"http://127.0.0.1:{free_ports(1)[0]}")
    findings = examine(at_home)
    assert only(findings, "Bucket", "server").exit_code == ExitCode.UNREACHABLE
    assert not [each for each in findings if each.name.startswith("put")]


def test_a_name_that_no_resolver_knows(at_home: Home) -> None:
    at_home.configure(akosha_cloud_endpoint="https://nowhere.invalid")
    finding = only(examine(at_home), "Bucket", "DNS")
    assert finding.exit_code == ExitCode.UNREACHABLE
    assert "nowhere.invalid cannot be resolved" in finding.detail


@contextmanager
def telling(date: str) -> Iterator[str]:
    """The URL of a server whose clock says `date`."""

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize(
    ("date", "state"),
    [("Thu, 01 Jan 2015 00:00:00 GMT", "problem"), ("yesterday", "ok")],
)
def test_a_clock_that_is_off(at_home: Home, date: str, state: str) -> None:
    with telling(date) as url:
        at_home.configure(akosha_cloud_endpoint=url)
        assert only(examine(at_home), "Bucket", "clock").state == state
