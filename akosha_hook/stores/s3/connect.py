"""From settings and credentials to an open bucket."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minio import Minio

from akosha_hook.errors import SettingsError
from akosha_hook.settings.derived import part_size
from akosha_hook.stores import credentials as access
from akosha_hook.stores.base import SYNC_FAILED
from akosha_hook.stores.providers import bucket_region, provider_for
from akosha_hook.stores.s3.bounded import BoundedHttp
from akosha_hook.stores.s3.client import S3Client
from akosha_hook.stores.s3.failures import classify
from akosha_hook.stores.s3.loopback import guard_for
from akosha_hook.stores.s3.store import S3Store
from akosha_hook.util import files, log
from akosha_hook.util.http import pool

if TYPE_CHECKING:
    from collections.abc import Callable

    import urllib3

    from akosha_hook.context import Context
    from akosha_hook.settings.fields import Settings
    from akosha_hook.stores.providers import Provider
    from akosha_hook.util.retry import RetryPolicy

FALLBACK_REGION = "us-east-1"


def open_s3(
    context: Context,
    retry: RetryPolicy,
    *,
    on_sent: Callable[[int], None] | None = None,
    connections: int = 0,
    subject: str = SYNC_FAILED,
) -> S3Store:
    """The configured bucket; arguments are those of `stores.opening.open_store`."""
    settings = context.settings
    provider = provider_for(settings)
    client = open_client(context, retry, on_sent=on_sent, connections=connections, subject=subject)
    return S3Store(
        client,
        location=settings.akosha_cloud_endpoint or "AWS",
        headers=encryption_headers(settings) | retention_headers(settings),
        part_size=part_size(settings),
        parallel=provider.parallel_uploads,
    )


def open_client(
    context: Context,
    retry: RetryPolicy,
    *,
    on_sent: Callable[[int], None] | None = None,
    connections: int = 0,
    subject: str = SYNC_FAILED,
) -> S3Client:
    """The requests that can be made of the configured bucket.

    None is made yet, unless the bucket's region has to be asked for. Raises SettingsError,
    CredentialsError.
    """
    settings, environ = context.settings, context.environ
    provider = provider_for(settings)
    if settings.akosha_sse in provider.refused_sse:
        raise SettingsError(
            f"{provider.name} does not take akosha_sse: {settings.akosha_sse}.",
            hint="Leave it empty: the provider encrypts at rest by itself.",
        )
    keys = access.resolve(settings, environ, home=Path(environ.get("HOME") or Path.home()))
    log.protect(*(each for each in (keys.secret_key, keys.session_token, keys.access_key) if each))
    http = pool(
        settings.akosha_ca_file,
        environ,
        url=provider.url,
        size=max(provider.parallel_uploads, connections) + 1,
        deadline=lambda: retry.deadline,
        guard=guard_for(provider, settings, subject=subject),
    )
    region = provider.region or _region(provider, http, context, retry, subject=subject)
    client = _client(provider, keys, http, region)
    client._http = BoundedHttp(http, retry.deadline, on_sent)  # type: ignore[assignment]
    return S3Client(
        client,
        settings.akosha_cloud_bucket,
        retry,
        encrypted=settings.akosha_sse == "aws:kms",
        multipart_etag_is_md5=provider.multipart_etag_is_md5,
        subject=subject,
    )


class _SigningMinio(Minio):
    """Signs the body's hash over TLS too, for servers that do not take UNSIGNED-PAYLOAD."""

    def _build_headers(
        self, host: str, headers: Any = None, body: bytes | None = None, creds: Any = None
    ) -> Any:
        built, date = super()._build_headers(host, headers, body, creds)
        if creds:
            built["x-amz-content-sha256"] = hashlib.sha256(body or b"").hexdigest()
        return built, date


def _client(
    provider: Provider, keys: access.Credentials, http: urllib3.PoolManager, region: str
) -> Minio:
    kind = _SigningMinio if provider.signed_payload else Minio
    client = kind(
        provider.host,
        access_key=keys.access_key.reveal(),
        secret_key=keys.secret_key.reveal(),
        session_token=keys.session_token.reveal() if keys.session_token else None,
        secure=provider.secure,
        region=region,
        http_client=http,
    )
    if provider.virtual_style:
        client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    else:
        client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
    return client


def _region(
    provider: Provider,
    http: urllib3.PoolManager,
    context: Context,
    retry: RetryPolicy,
    *,
    subject: str,
) -> str:
    """The bucket's region, asked of the server once and remembered."""
    settings, paths = context.settings, context.paths
    remembered = files.read_json(paths.regions, dict[str, str]) or {}
    name = f"{provider.host} {settings.akosha_cloud_bucket}"
    if name in remembered:
        return remembered[name]

    def request() -> str | None:
        try:
            return bucket_region(http, provider, settings.akosha_cloud_bucket)
        except Exception as error:
            what = "asking for the bucket's region"
            raise classify(error, what=what, subject=subject) from error

    region = retry.call(request)
    if region is None:
        # As for a bucket that does not exist: the first real request says so properly.
        return FALLBACK_REGION
    files.private_directory(paths.state)
    files.write_json(paths.regions, remembered | {name: region})
    return region


def retention_headers(settings: Settings) -> dict[str, str]:
    """S3 Object Lock headers for a new object; empty when none is asked for."""
    if not settings.akosha_object_lock_mode or not settings.akosha_object_lock_days:
        return {}
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=settings.akosha_object_lock_days)
    return {
        "x-amz-object-lock-mode": settings.akosha_object_lock_mode,
        "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def encryption_headers(settings: Settings) -> dict[str, str]:
    """Server-side encryption headers for a new object; empty when none is asked for."""
    headers: dict[str, str] = {}
    if settings.akosha_sse:
        headers["x-amz-server-side-encryption"] = settings.akosha_sse
    if settings.akosha_sse_kms_key_id:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = settings.akosha_sse_kms_key_id
    return headers
