"""The bucket's keys, missing or open to others, and the bucket itself."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_httpserver import HTTPServer

from akosha_hook.errors import ExitCode
from tests.support.findings import examine, only
from tests.support.home import Home


def test_no_keys_at_all(at_home: Home, home: Path) -> None:
    (home / ".aws" / "credentials").unlink()
    finding = only(examine(at_home), "Bucket", "keys")
    assert (finding.state, finding.exit_code) == ("problem", ExitCode.CREDENTIALS)
    assert "~/.aws/credentials" in finding.fix


def test_keys_that_others_can_read(at_home: Home, home: Path) -> None:
    (home / ".aws" / "credentials").chmod(0o644)
    finding = only(examine(at_home), "Bucket", "keys")
    assert finding.state == "warning"
    assert "chmod 600" in finding.detail + finding.fix


def test_a_bucket_that_does_not_exist(at_home: Home, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("")
    httpserver.expect_request(re.compile("/gone.*")).respond_with_data(
        "<Error><Code>NoSuchBucket</Code></Error>", status=404, content_type="application/xml"
    )
    at_home.configure(
        akosha_cloud_bucket="gone", akosha_cloud_endpoint=httpserver.url_for("").rstrip("/")
    )
    (finding,) = (each for each in examine(at_home) if each.area == "Bucket" and each.fix)
    assert "does not exist" in finding.detail
    assert "akosha_cloud_bucket" in finding.fix
