"""The user guide's security practices, each violated."""

from __future__ import annotations

import os

import pytest
from pytest_httpserver import HTTPServer

from akosha_hook.paths import Paths
from tests.support.findings import examine, only
from tests.support.home import Home


def test_a_bucket_that_strangers_can_list(httpserver: HTTPServer) -> None:
    home = Home(Paths.from_environment(os.environ))
    httpserver.expect_request("/memories").respond_with_data("<ListBucketResult/>")
    home.configure(
        akosha_cloud_bucket="memories", akosha_cloud_endpoint=httpserver.url_for("").rstrip("/")
    )
    assert only(examine(home), "Security", "strangers").state == "problem"


def test_a_bucket_whose_objects_strangers_can_read(at_home: Home, httpserver: HTTPServer) -> None:
    """Public objects in a bucket that nobody may list: an upload's name is easy to guess."""
    assert at_home.akosha_hook("sync").returncode == 0
    (receipt,) = at_home.receipts()
    key = receipt.files[0].key
    assert only(examine(at_home), "Security", "strangers").state == "ok"
    assert at_home.bucket is not None
    httpserver.expect_request(f"/{at_home.bucket.name}/{key}").respond_with_data("memories")
    at_home.configure(akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"))
    finding = only(examine(at_home), "Security", "strangers")
    assert (finding.state, finding.fix) == ("problem", "block public access to the bucket")
    assert "read what is stored" in finding.detail


def test_keys_in_a_settings_file(at_home: Home) -> None:
    with at_home.paths.settings_yaml.open("a") as file:
        file.write("aws_secret_access_key: 'abcdefghijklmnopqrstuvwxyz0123456789ABCD'\n")
    finding = only(examine(at_home), "Security", "keys in files")
    assert finding.state == "problem"
    assert "session-buddy.yaml" in finding.detail
    assert "abcdefghij" not in f"{finding}"


@pytest.mark.parametrize(
    ("sse", "state", "text"),
    [("", "ok", "not requested"), ("AES256", "ok", "AES256 is requested")],
)
def test_encryption_on_this_machine_is_a_matter_of_taste(
    at_home: Home, sse: str, state: str, text: str
) -> None:
    at_home.configure(akosha_sse=sse)
    finding = only(examine(at_home), "Security", "encryption at rest")
    assert (finding.state, finding.detail) == (state, text)
    assert only(examine(at_home), "Security", "HTTPS").detail == "not needed on this machine"


def test_an_unknown_server_elsewhere_may_not_encrypt_and_http_is_a_warning(paths: Paths) -> None:
    home = Home(paths)
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint="http://nowhere.invalid",
        akosha_allow_insecure_endpoint=True,
        akosha_enable_fallback=False,
    )
    findings = examine(home)
    assert only(findings, "Security", "HTTPS").state == "warning"
    assert "https://nowhere.invalid" in only(findings, "Security", "HTTPS").fix
    encryption = only(findings, "Security", "encryption at rest")
    assert (encryption.state, encryption.fix) == (
        "warning",
        "akosha-hook config set akosha_sse AES256",
    )
