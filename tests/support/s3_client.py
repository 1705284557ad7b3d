"""Requests to a stand-in S3 server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minio import Minio

from akosha_hook.context import Context
from akosha_hook.settings import Loaded, Settings
from akosha_hook.stores.s3.bounded import BoundedHttp
from akosha_hook.stores.s3.client import S3Client
from akosha_hook.stores.s3.connect import open_client
from akosha_hook.util.http import pool
from akosha_hook.util.retry import Deadline, RetryPolicy

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.stores.s3.client import S3Client


def open_through(endpoint: str, ca: Path, proxy: str, paths: Paths) -> S3Client:
    settings = Settings(
        akosha_cloud_endpoint=endpoint, akosha_cloud_bucket="memories", akosha_ca_file=str(ca)
    )
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HTTPS_PROXY": proxy}
    context = Context(Loaded(settings, {}), paths, environ)
    return open_client(context, RetryPolicy(0, 0, Deadline(60)))


def open_plain(
    url: str, *, seconds: float = 120.0, retries: int = 0, encrypted: bool = False
) -> S3Client:
    """Requests to bucket `memories` of the server at `url`."""
    host = url.removeprefix("http://").rstrip("/")
    minio = Minio(host, "key", "secret-secret", secure=False, region="us-east-1")
    deadline = Deadline(seconds)
    http = pool("", {}, url=url, deadline=lambda: deadline)
    minio._http = BoundedHttp(http, deadline, None)  # type: ignore[assignment]
    return S3Client(minio, "memories", RetryPolicy(retries, 0.0, deadline), encrypted=encrypted)
