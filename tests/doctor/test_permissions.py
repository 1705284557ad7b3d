"""What the keys may do in the bucket, each permission denied in turn."""

from __future__ import annotations

import base64
import contextlib
import os
import re
from collections.abc import Callable

import pytest
from minio.error import MinioException
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from akosha_hook.errors import ExitCode
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.findings import bad, examine, only
from tests.support.home import Home
from tests.support.s3 import TestBucket

DENIED = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


CREATED = (
    "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>1</UploadId>"
    "</InitiateMultipartUploadResult>"
)


LISTED = "<Result><Name>memories</Name><IsTruncated>false</IsTruncated></Result>"


def grudging(httpserver: HTTPServer, allowed: Callable[[Request], bool]) -> Home:
    """A home whose S3 server stores one object, and allows what `allowed` says."""
    stored: list[bytes] = []

    def answer(request: Request) -> Response:
        signed = bool(request.headers.get("Authorization"))
        if request.path == "/" or not signed or not allowed(request):
            return Response(DENIED, status=403, content_type="application/xml")
        if request.method == "PUT":
            stored[:] = [request.get_data()]
            return Response("", headers={"ETag": '"1"'})
        if request.method == "POST" or request.args:
            body = CREATED if request.method == "POST" else LISTED
            return Response(body, content_type="application/xml")
        headers = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return Response(stored[0], headers=headers)

    httpserver.expect_request("/").respond_with_handler(answer)
    httpserver.expect_request(re.compile("/memories.*")).respond_with_handler(answer)
    home = Home(Paths.from_environment(os.environ))
    make_databases(home.paths.data, conversations=1)
    home.configure(
        akosha_cloud_bucket="memories",
        akosha_cloud_endpoint=httpserver.url_for("").rstrip("/"),
        akosha_system_id="laptop",
        akosha_enable_fallback=False,
    )
    return home


@pytest.mark.parametrize(
    ("name", "refused", "without"),
    [
        ("get", lambda request: request.method == "GET" and not request.args, "restore"),
        ("list (", lambda request: "list-type" in request.args, "ls, restore latest"),
        ("abort", lambda r: r.method == "DELETE" and "uploadId" in r.args, "abandoned uploads"),
        ("list parts", lambda r: r.method == "GET" and "uploadId" in r.args, "continued"),
    ],
)
def test_a_permission_that_is_missing_is_a_warning_naming_what_will_not_work(
    httpserver: HTTPServer,
    keys: None,
    name: str,
    refused: Callable[[Request], bool],
    without: str,
) -> None:
    findings = examine(grudging(httpserver, lambda request: not refused(request)))
    assert not bad(findings)
    assert only(findings, "Bucket", name).state == "warning"
    assert without in only(findings, "Bucket", name).detail


@pytest.mark.parametrize(("keep", "state"), [(0, "ok"), (3, "warning")])
def test_a_refused_deletion_matters_only_where_uploads_are_pruned(
    httpserver: HTTPServer, keys: None, keep: int, state: str
) -> None:
    refused = "DELETE"
    home = grudging(httpserver, lambda r: r.method != refused or "uploadId" in r.args)
    home.configure(akosha_keep_last=keep)
    assert only(examine(home), "Bucket", "delete").state == state


def test_without_the_permission_to_put_nothing_more_is_asked(
    httpserver: HTTPServer, keys: None
) -> None:
    findings = examine(grudging(httpserver, lambda request: request.method != "PUT"))
    assert only(findings, "Bucket", "put").exit_code == ExitCode.CREDENTIALS
    assert not [each for each in findings if each.name.startswith("get")]


def test_a_secret_key_that_does_not_fit(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "demo-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    finding = only(examine(at_home), "Bucket", "put")
    assert finding.state == "problem"
    assert "the secret key does not match" in finding.detail
    assert finding.exit_code == ExitCode.CREDENTIALS
    assert "another-secret" not in f"{finding}"


def test_doctor_does_not_advise_to_run_doctor(
    at_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unknown")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "whatever")
    fix = only(examine(at_home), "Bucket", "put").fix
    assert fix.startswith("Check AWS_ACCESS_KEY_ID")
    assert "doctor" not in fix


def test_a_missing_bucket_is_not_made_by_looking(at_home: Home, any_bucket: TestBucket) -> None:
    """SeaweedFS makes one for whoever puts into it."""
    missing = f"{any_bucket.name}-missing"
    at_home.configure(akosha_cloud_bucket=missing, akosha_cloud_endpoint=any_bucket.server.endpoint)
    assert any("does not exist" in each for each in bad(examine(at_home)))
    assert not any_bucket.client.bucket_exists(missing)


def test_nothing_piles_up_where_nothing_may_be_deleted(httpserver: HTTPServer, keys: None) -> None:
    """A PUT that no server carries out tells whether it is allowed."""
    home = grudging(httpserver, lambda request: request.method != "DELETE")
    for _ in range(5):
        assert not bad(examine(home))
    asked = [request for request, _ in httpserver.log if request.headers.get("Authorization")]
    digests = {each.headers.get("Content-MD5") for each in asked if each.method == "PUT"}
    assert digests == {base64.b64encode(bytes(16)).decode()}
    assert not [request for request in asked if request.method == "POST"]


def test_keys_that_may_neither_put_nor_delete_are_said_to_be_of_no_use(
    httpserver: HTTPServer, keys: None
) -> None:
    home = grudging(httpserver, lambda request: request.method not in {"DELETE", "PUT"})
    assert only(examine(home), "Bucket", "put").exit_code == ExitCode.CREDENTIALS


def test_a_put_with_another_digest_is_carried_out_by_no_server(any_bucket: TestBucket) -> None:
    wrong: dict[str, str | list[str] | tuple[str]]
    wrong = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
    with contextlib.suppress(MinioException):
        any_bucket.client._put_object(any_bucket.name, "probe", b"x", wrong)
    assert any_bucket.object_keys() == []


def test_nothing_is_left_where_everything_is_allowed(at_home: Home, any_bucket: TestBucket) -> None:
    at_home.bucket = any_bucket
    at_home.settings.clear()
    at_home.configure()
    for _ in range(5):
        examine(at_home)
    assert any_bucket.object_keys() == []
