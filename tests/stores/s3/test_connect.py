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

from tests.support.proxy import forward_proxy
from tests.support.s3_client import open_through
from tests.support.tls import https_server, write_ca

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


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
        bucket = open_through(
            expected.endpoint, write_ca(authority, tmp_path / "ca"), proxy.url, paths
        )
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
            open_through("", ca, proxy.url, paths).put("key", DATA, {})
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
        bucket = open_through(f"https://{host}", ca, proxy.url, paths)
        assert bucket.get_range("key", 0, len(DATA)) == DATA
        ((request, _),) = server.log
    assert request.headers["Accept-Encoding"] == "identity"
    assert "accept-encoding" not in request.headers["Authorization"]
