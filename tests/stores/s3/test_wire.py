"""What reaches each provider: the vendors' hosts, played by a TLS server behind a proxy."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme
from werkzeug import Request, Response

from akosha_hook.context import Context
from akosha_hook.errors import DeliveryError
from akosha_hook.settings import Loaded, Settings
from akosha_hook.state.journal import Journal
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.stores.s3.multipart import ObjectPlan, store
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.proxy import forward_proxy
from tests.support.tls import https_server, write_ca

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.stores.s3.client import S3Client

DATA = b"memories"
HASH = hashlib.sha256(DATA).hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Expected:
    """What the request that stores `key` has to look like on the wire."""

    endpoint: str
    url: str
    region: str
    payload: str = UNSIGNED


def answer(request: Request) -> Response:
    region = {"x-amz-bucket-region": "eu-west-1"}
    if request.method == "HEAD" and "Authorization" not in request.headers:
        return Response(status=403, headers=region)
    return Response(headers={"ETag": hashlib.md5(request.data, usedforsecurity=False).hexdigest()})


@pytest.mark.parametrize(
    "expected",
    [
        Expected("", "https://memories.s3.eu-west-1.amazonaws.com/key", "eu-west-1"),
        Expected(
            "https://s3.us-east-2.amazonaws.com",
            "https://memories.s3.us-east-2.amazonaws.com/key",
            "us-east-2",
        ),
        Expected(
            "https://abc.eu.r2.cloudflarestorage.com",
            "https://abc.eu.r2.cloudflarestorage.com/memories/key",
            "auto",
        ),
        Expected(
            "https://s3.us-west-004.backblazeb2.com",
            "https://s3.us-west-004.backblazeb2.com/memories/key",
            "us-west-004",
            HASH,
        ),
        Expected(
            "https://s3.eu-central-1.wasabisys.com",
            "https://s3.eu-central-1.wasabisys.com/memories/key",
            "eu-central-1",
        ),
        Expected(
            "https://storage.googleapis.com",
            "https://storage.googleapis.com/memories/key",
            "auto",
        ),
        Expected(
            "https://nyc3.digitaloceanspaces.com",
            "https://memories.nyc3.digitaloceanspaces.com/key",
            "nyc3",
            HASH,
        ),
        Expected("https://minio.test:9000", "https://minio.test:9000/memories/key", "us-east-1"),
    ],
    ids=lambda expected: urlsplit(expected.url).hostname,
)
def test_an_object_is_sent_as_the_provider_wants_it(
    expected: Expected, tmp_path: Path, paths: Paths
) -> None:
    authority = trustme.CA()
    host = urlsplit(expected.url).hostname or ""
    with (
        https_server(authority, host, "s3.amazonaws.com") as server,
        forward_proxy({host: server.port, "s3.amazonaws.com": server.port}) as proxy,
    ):
        server.clear()
        server.expect_request(re.compile(".*")).respond_with_handler(answer)
        bucket = _open(expected.endpoint, write_ca(authority, tmp_path / "ca"), proxy.url, paths)
        bucket.put("key", DATA, {})
        requests = [request for request, _ in server.log]
    sent = requests[-1]
    assert sent.url == expected.url
    assert f"/{expected.region}/s3/aws4_request" in sent.headers["Authorization"]
    assert sent.headers["x-amz-content-sha256"] == expected.payload
    assert not [name for name, _ in sent.headers if name.lower().startswith("x-amz-checksum")]
    assert sent.data == DATA
    # Only AWS is asked anything before, and only where the host does not name the region.
    assert len(requests) == (1 if expected.endpoint else 2)


def test_the_region_aws_named_is_remembered(tmp_path: Path, paths: Paths) -> None:
    authority = trustme.CA()
    host = "memories.s3.eu-west-1.amazonaws.com"
    with (
        https_server(authority, host, "s3.amazonaws.com") as server,
        forward_proxy({host: server.port, "s3.amazonaws.com": server.port}) as proxy,
    ):
        server.clear()
        server.expect_request(re.compile(".*")).respond_with_handler(answer)
        ca = write_ca(authority, tmp_path / "ca")
        for _ in range(2):
            _open("", ca, proxy.url, paths).put("key", DATA, {})
        assert [request.method for request, _ in server.log] == ["HEAD", "PUT", "PUT"]


def test_reading_asks_for_the_stored_bytes_without_signing_that(
    tmp_path: Path, paths: Paths
) -> None:
    """Google's front end rewrites Accept-Encoding, and a signature over it would break."""
    authority = trustme.CA()
    host = "storage.googleapis.com"
    with (
        https_server(authority, host) as server,
        forward_proxy({host: server.port}) as proxy,
    ):
        server.clear()
        server.expect_request("/memories/key").respond_with_data(DATA, status=206)
        ca = write_ca(authority, tmp_path / "ca")
        bucket = _open(f"https://{host}", ca, proxy.url, paths)
        assert bucket.get_range("key", 0, len(DATA)) == DATA
        ((request, _),) = server.log
    assert request.headers["Accept-Encoding"] == "identity"
    assert "accept-encoding" not in request.headers["Authorization"]


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
        bucket = _open(f"https://{host}", ca, proxy.url, paths)
        journal = Journal(None)
        if opaque:
            assert store(bucket, plan, parallel=1, journal=journal).verified == "size"
        else:
            with pytest.raises(DeliveryError, match="ETag differs"):
                store(bucket, plan, parallel=1, journal=journal)


def _multipart(request: Request) -> Response:
    """An S3 whose finished objects have an ETag of multipart form that is made up."""
    made_up = {"ETag": f"{'0' * 32}-2", "Last-Modified": "Sun, 22 Nov 2026 12:00:00 GMT"}
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


def _open(endpoint: str, ca: Path, proxy: str, paths: Paths) -> S3Client:
    settings = Settings(
        akosha_cloud_endpoint=endpoint, akosha_cloud_bucket="memories", akosha_ca_file=str(ca)
    )
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HTTPS_PROXY": proxy}
    context = Context(Loaded(settings, {}), paths, environ)
    return open_client(context, RetryPolicy(0, 0, Deadline(60)))
