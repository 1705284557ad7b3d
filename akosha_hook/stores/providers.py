"""What each S3 provider needs, as data, chosen by the endpoint's host in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akosha_hook.errors import SettingsError
from akosha_hook.settings.endpoint import Endpoint, is_region, parse

if TYPE_CHECKING:
    import urllib3

    from akosha_hook.settings.fields import Settings

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Provider:
    """How to talk to the configured endpoint, settings applied.

    `host` is host:port as minio takes it. `region` None: ask `bucket_region` once, and remember.
    `virtual_style`: the bucket stands in the host name. `signed_payload`: the body's hash has to
    be signed over TLS too. `refused_sse`: values of akosha_sse it does not take.
    `multipart_etag_is_md5`: the ETag of a multipart object is the MD5 of its parts' MD5s.
    """

    name: str
    host: str
    secure: bool
    region: str | None
    virtual_style: bool
    parallel_uploads: int
    refused_sse: frozenset[str]
    signed_payload: bool
    multipart_etag_is_md5: bool

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.host}"


@dataclass(frozen=True, slots=True)
class _Row:
    """One provider of the table; the group `region` of `pattern`, if any, is in the host.

    `region` is what `auto` means where the host has none; None: to be asked for. The sources of
    each quirk are in docs/providers.md.
    """

    name: str
    pattern: re.Pattern[str]
    region: str | None = "us-east-1"
    virtual_style: bool = False
    parallel_uploads: int = 3
    refused_sse: frozenset[str] = frozenset()
    signed_payload: bool = False
    multipart_etag_is_md5: bool = True
    https_only: bool = True


_LABEL = r"[a-z0-9-]+"
_BOTH = frozenset({"AES256", "aws:kms"})

_TABLE = (
    _Row(
        "AWS S3",
        re.compile(
            r"(?:(?:bucket|accesspoint)\.vpce-[a-z0-9-]+\.)?"
            r"s3(?:-fips|-accelerate)?(?:\.dualstack)?"
            r"(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?(?:\.vpce)?\.amazonaws\.com(?:\.cn)?"
        ),
        region=None,
        virtual_style=True,
        https_only=False,
    ),
    _Row(
        "Cloudflare R2",
        re.compile(rf"{_LABEL}(?:\.(?:eu|fedramp))?\.r2\.cloudflarestorage\.com"),
        region="auto",
        parallel_uploads=2,
        refused_sse=_BOTH,
    ),
    _Row(
        "Backblaze B2",
        re.compile(rf"s3\.(?P<region>{_LABEL})\.backblazeb2\.com"),
        refused_sse=frozenset({"aws:kms"}),
        signed_payload=True,
        multipart_etag_is_md5=False,
    ),
    _Row(
        "Wasabi",
        re.compile(rf"s3(?:\.(?P<region>{_LABEL}))?\.wasabisys\.com"),
        refused_sse=frozenset({"aws:kms"}),
    ),
    _Row(
        "Google Cloud Storage",
        re.compile(r"storage\.googleapis\.com"),
        region="auto",
        refused_sse=_BOTH,
        multipart_etag_is_md5=False,
    ),
    _Row(
        "DigitalOcean Spaces",
        re.compile(rf"(?P<region>{_LABEL})\.digitaloceanspaces\.com"),
        virtual_style=True,
        refused_sse=frozenset({"aws:kms"}),
        signed_payload=True,
    ),
)
# Servers of one's own on AWS's machines or behind its load balancers.
_IS_A_MACHINE = re.compile(r"^ec2-|\.elb\.")
# MinIO, Ceph, SeaweedFS, rclone and whatever else speaks S3: nothing in the host tells them apart.
_OTHER = _Row("S3-compatible server", re.compile(r".*"), https_only=False)


def provider_for(settings: Settings) -> Provider:
    """The provider behind `akosha_cloud_endpoint`, empty meaning AWS.

    Raises SettingsError for an endpoint, or a combination, that cannot work.
    """
    endpoint = parse(settings.akosha_cloud_endpoint)
    endpoint, row, region_in_host = _recognise(endpoint, settings.akosha_cloud_bucket)
    if row.https_only and not endpoint.secure:
        raise SettingsError(
            f"{row.name} answers https:// only; akosha_cloud_endpoint says http://.",
            hint=f"akosha-hook config set akosha_cloud_endpoint https://{endpoint.host}",
        )
    return Provider(
        name=row.name,
        host=endpoint.netloc,
        secure=endpoint.secure,
        region=_region(settings.akosha_cloud_region, region_in_host or row.region),
        virtual_style=_virtual_style(settings, endpoint, default=row.virtual_style),
        parallel_uploads=settings.akosha_parallel_uploads or row.parallel_uploads,
        refused_sse=row.refused_sse,
        signed_payload=row.signed_payload,
        multipart_etag_is_md5=row.multipart_etag_is_md5,
    )


def bucket_region(pool: urllib3.PoolManager, provider: Provider, bucket: str) -> str | None:
    """The region AWS says `bucket` is in; one unsigned request, which needs no permission.

    AWS names it even where it denies or redirects. None where it does not, as for a bucket that
    does not exist. Raises urllib3's errors.
    """
    response = pool.request("HEAD", f"{provider.url}/{bucket}", redirect=False)
    region = response.headers.get("x-amz-bucket-region", "")
    return region if is_region(region) else None


def _recognise(endpoint: Endpoint, bucket: str) -> tuple[Endpoint, _Row, str | None]:
    """The row for `endpoint`, with a bucket name that was pasted along taken off the host."""
    without_bucket = endpoint.host.removeprefix(f"{bucket}.") if bucket else endpoint.host
    for row in _TABLE:
        for host in (endpoint.host, without_bucket):
            match = row.pattern.fullmatch(host)
            if match:
                region = match.groupdict().get("region")
                return replace(endpoint, host=_modern(host, region)), row, region
    _refuse_public_hosts(endpoint)
    return endpoint, _OTHER, None


def _modern(host: str, region: str | None) -> str:
    """AWS's old `s3-us-west-2` as `s3.us-west-2`, which minio understands."""
    old = f"s3-{region}." if region else ""
    return f"s3.{region}.{host.removeprefix(old)}" if old and host.startswith(old) else host


def _refuse_public_hosts(endpoint: Endpoint) -> None:
    host = endpoint.host
    if host.endswith(".r2.dev"):
        raise SettingsError(
            f"{host} is a bucket's public address, which nothing can be written to.",
            hint="Use the S3 API's address: https://<account>.r2.cloudflarestorage.com",
        )
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) and not _IS_A_MACHINE.search(host):
        raise SettingsError(
            f"{host} is not an S3 API endpoint of AWS for this bucket.",
            hint="Leave akosha_cloud_endpoint empty, or use https://s3.<region>.amazonaws.com",
        )


def _region(configured: str, known: str | None) -> str | None:
    if configured.strip() in {"", AUTO}:
        return known
    if not is_region(configured.strip()):
        raise SettingsError(
            f"akosha_cloud_region is {configured!r}, which is not the name of a region.",
            hint="akosha-hook config set akosha_cloud_region auto",
        )
    return configured.strip()


def _virtual_style(settings: Settings, endpoint: Endpoint, *, default: bool) -> bool:
    """A bucket with dots is never put into an https host: wildcard certificates do not cover it."""
    style = settings.akosha_addressing_style
    wanted = default if style == AUTO else style == "virtual"
    dotted = endpoint.secure and "." in settings.akosha_cloud_bucket
    return wanted and not dotted and not endpoint.is_address
