"""The Akosha server, down or wrong."""

from __future__ import annotations

from pytest_httpserver import HTTPServer

from akosha_hook.demo.s3_server import free_ports
from akosha_hook.errors import ExitCode
from tests.support.findings import examine, only
from tests.support.home import Home


def test_akosha_down_is_a_warning_beside_a_bucket_and_a_problem_without(at_home: Home) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    at_home.configure(akosha_enable_fallback=True, akosha_http_url=url)
    assert only(examine(at_home), "Akosha", "server").state == "warning"
    at_home.configure(akosha_force_method="http")
    finding = only(examine(at_home), "Akosha", "server")
    assert (finding.state, finding.exit_code) == ("problem", ExitCode.UNREACHABLE)


def test_a_server_that_is_not_akosha_is_told_apart(at_home: Home, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/mcp").respond_with_data("hello")
    url = httpserver.url_for("").rstrip("/")
    at_home.configure(akosha_enable_fallback=True, akosha_http_url=url)
    finding = only(examine(at_home), "Akosha", "server")
    assert finding.state == "warning"
    assert finding.detail.endswith("uploads to the bucket do not need it.")


def test_without_a_fallback_no_akosha_server_is_asked(at_home: Home) -> None:
    assert not [each for each in examine(at_home) if each.area == "Akosha"]
