"""Whether what was sent is there as it was sent, as far as the server tells."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.state.journal import Journal
from akosha_hook.stores.s3.multipart import ObjectPlan, store
from akosha_hook.stores.s3.verify import md5, verify_put
from tests.support.proxy import forward_proxy
from tests.support.s3_client import open_plain, open_through
from tests.support.tls import https_server, write_ca

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


DATA = b"memories"
WHEN = "Sun, 22 Nov 2026 12:00:00 GMT"
KEY, PATH = "systems/key", "/memories/systems/key"
OTHER = "f" * 32
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize(
    ("host", "opaque"), [("s3.us-west-004.backblazeb2.com", True), ("minio.test", False)]
)
def test_an_opaque_multipart_etag_is_not_compared(
    tmp_path: Path, paths: Paths, host: str, opaque: bool
) -> None:
    """It may have the form of an MD5 of MD5s and be something else."""
    authority = trustme.CA()
    parts = [b"x" * (5 << 20), b"y"]
    plan = ObjectPlan("key", {}, "identity", HASH, 5 << 20, lambda: iter(parts))
    with (
        https_server(authority, host) as server,
        forward_proxy({host: server.port}) as proxy,
    ):
        server.clear()
        server.expect_request(re.compile(".*")).respond_with_handler(_multipart)
        ca = write_ca(authority, tmp_path / "ca")
        bucket = open_through(f"https://{host}", ca, proxy.url, paths)
        journal = Journal(None)
        if opaque:
            assert store(bucket, plan, parallel=1, journal=journal).verified == "size"
        else:
            with pytest.raises(DeliveryError, match="ETag differs"):
                store(bucket, plan, parallel=1, journal=journal)


def _multipart(request: Request) -> Response:
    """An S3 whose finished objects have an ETag of multipart form that is made up."""
    made_up = {"ETag": f"{'0' * 32}-2", "Last-Modified": WHEN}
    if request.method == "HEAD":
        return Response(headers={**made_up, "Content-Length": str((5 << 20) + 1)})
    if request.method == "PUT":
        digest = hashlib.md5(request.data, usedforsecurity=False).hexdigest()
        return Response(headers={"ETag": digest})
    root = "Initiate" if "uploads" in request.args else "Complete"
    ending = "MultipartUploadResult"
    return Response(
        f"<{root}{ending}><UploadId>1</UploadId><ETag>{made_up['ETag']}</ETag></{root}{ending}>",
        content_type="application/xml",
    )


def head(server: HTTPServer, size: int, etag: str) -> None:
    headers = {"Content-Length": str(size), "ETag": etag, "Last-Modified": WHEN}
    server.expect_request(PATH, method="HEAD").respond_with_handler(
        lambda _: Response(headers=headers)
    )


def test_the_answers_own_etag_is_proof_enough(httpserver: HTTPServer) -> None:
    client = open_plain(httpserver.url_for(""))
    assert verify_put(client, KEY, DATA, md5(DATA)).verified == "etag"
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("answered", "stored", "encrypted", "verified"),
    [
        ("", md5(DATA), False, "etag"),
        ("", "opaque", False, "size"),
        (OTHER, md5(DATA), False, "etag"),
        (md5(DATA), md5(DATA), True, "size"),
    ],
    ids=["no etag", "opaque", "another", "encrypted with a key of KMS"],
)
def test_else_the_object_itself_is_looked_at(
    httpserver: HTTPServer, answered: str, stored: str, encrypted: bool, verified: str
) -> None:
    head(httpserver, len(DATA), stored)
    client = open_plain(httpserver.url_for(""), encrypted=encrypted)
    assert verify_put(client, KEY, DATA, answered).verified == verified
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("size", "etag", "problem"),
    [
        (len(DATA) - 1, md5(DATA), "has 7 bytes, not 8"),
        (len(DATA), OTHER, "ETag differs"),
    ],
)
def test_an_object_that_is_not_what_was_sent_is_damage_that_sending_again_may_mend(
    httpserver: HTTPServer, size: int, etag: str, problem: str
) -> None:
    head(httpserver, size, etag)
    with pytest.raises(DeliveryError, match=problem) as caught:
        verify_put(open_plain(httpserver.url_for("")), KEY, DATA, "")
    assert caught.value.kind is Kind.DAMAGED
    assert caught.value.retryable


def test_a_server_that_cannot_be_asked_is_not_one_that_refuses(httpserver: HTTPServer) -> None:
    """minio-py makes a 405 and a 501 to a HEAD the same code."""
    for status in (405, 501):
        httpserver.clear()
        httpserver.expect_request(PATH).respond_with_response(Response(status=status))
        with pytest.raises(DeliveryError):
            verify_put(open_plain(httpserver.url_for("")), KEY, DATA, "")


@pytest.mark.parametrize(("status", "verified"), [(403, "not verified"), (404, None)])
def test_keys_that_may_not_look_leave_it_unverified_and_a_missing_object_does_not(
    httpserver: HTTPServer, status: int, verified: str | None
) -> None:
    httpserver.expect_request(PATH).respond_with_response(Response(status=status))
    client = open_plain(httpserver.url_for(""))
    if verified is None:
        with pytest.raises(DeliveryError, match="is not there after the upload"):
            verify_put(client, KEY, DATA, "")
    else:
        assert verify_put(client, KEY, DATA, "").verified == verified
