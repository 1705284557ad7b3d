"""Whether what was sent is there as it was sent, as far as the server tells."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from werkzeug import Request, Response

from akosha_hook.errors import DeliveryError
from akosha_hook.state.journal import Journal
from akosha_hook.stores.s3.multipart import ObjectPlan, store
from tests.support.proxy import forward_proxy
from tests.support.s3_client import open_through
from tests.support.tls import https_server, write_ca

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


DATA = b"memories"
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
