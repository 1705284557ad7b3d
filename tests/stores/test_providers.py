from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
import yaml
from minio import Minio

from akosha_hook.errors import SettingsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.providers import Provider, bucket_region, provider_for

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer


def chosen(endpoint: str, bucket: str = "memories", **settings: Any) -> Provider:
    return provider_for(
        Settings(akosha_cloud_endpoint=endpoint, akosha_cloud_bucket=bucket, **settings)
    )


def dialled(provider: Provider, bucket: str = "memories", key: str = "key") -> str:
    """The URL minio-py would send a request to."""
    client = Minio(provider.host, secure=provider.secure, region=provider.region)
    client._base_url.virtual_style_flag = provider.virtual_style
    region = provider.region or "asked-1"
    url = client._base_url.build(method="GET", region=region, bucket_name=bucket, object_name=key)
    return str(url.geturl())


@pytest.mark.parametrize(
    ("endpoint", "name", "region", "url"),
    [
        ("", "AWS S3", None, "https://memories.s3.asked-1.amazonaws.com/key"),
        (
            "https://s3.amazonaws.com",
            "AWS S3",
            None,
            "https://memories.s3.asked-1.amazonaws.com/key",
        ),
        (
            "https://s3.us-east-1.amazonaws.com",
            "AWS S3",
            "us-east-1",
            "https://memories.s3.us-east-1.amazonaws.com/key",
        ),
        (
            "https://s3-us-west-2.amazonaws.com",
            "AWS S3",
            "us-west-2",
            "https://memories.s3.us-west-2.amazonaws.com/key",
        ),
        (
            "https://s3.dualstack.ap-southeast-2.amazonaws.com",
            "AWS S3",
            "ap-southeast-2",
            "https://memories.s3.dualstack.ap-southeast-2.amazonaws.com/key",
        ),
        (
            "https://s3-fips.us-gov-west-1.amazonaws.com",
            "AWS S3",
            "us-gov-west-1",
            "https://memories.s3-fips.us-gov-west-1.amazonaws.com/key",
        ),
        (
            "https://s3.cn-north-1.amazonaws.com.cn",
            "AWS S3",
            "cn-north-1",
            "https://memories.s3.cn-north-1.amazonaws.com.cn/key",
        ),
        (
            "https://memories.s3.eu-west-1.amazonaws.com",
            "AWS S3",
            "eu-west-1",
            "https://memories.s3.eu-west-1.amazonaws.com/key",
        ),
        (
            "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com",
            "Cloudflare R2",
            "auto",
            "https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com/memories/key",
        ),
        (
            "https://abc.eu.r2.cloudflarestorage.com",
            "Cloudflare R2",
            "auto",
            "https://abc.eu.r2.cloudflarestorage.com/memories/key",
        ),
        (
            "https://abc.fedramp.r2.cloudflarestorage.com/",
            "Cloudflare R2",
            "auto",
            "https://abc.fedramp.r2.cloudflarestorage.com/memories/key",
        ),
        (
            "https://s3.us-west-004.backblazeb2.com",
            "Backblaze B2",
            "us-west-004",
            "https://s3.us-west-004.backblazeb2.com/memories/key",
        ),
        (
            "https://s3.eu-central-1.wasabisys.com",
            "Wasabi",
            "eu-central-1",
            "https://s3.eu-central-1.wasabisys.com/memories/key",
        ),
        (
            "https://s3.wasabisys.com",
            "Wasabi",
            "us-east-1",
            "https://s3.wasabisys.com/memories/key",
        ),
        (
            "https://storage.googleapis.com",
            "Google Cloud Storage",
            "auto",
            "https://storage.googleapis.com/memories/key",
        ),
        (
            "https://nyc3.digitaloceanspaces.com",
            "DigitalOcean Spaces",
            "nyc3",
            "https://memories.nyc3.digitaloceanspaces.com/key",
        ),
        (
            "https://memories.nyc3.digitaloceanspaces.com",
            "DigitalOcean Spaces",
            "nyc3",
            "https://memories.nyc3.digitaloceanspaces.com/key",
        ),
        (
            "http://localhost:9000",
            "S3-compatible server",
            "us-east-1",
            "http://localhost:9000/memories/key",
        ),
        (
            "http://[::1]:9000",
            "S3-compatible server",
            "us-east-1",
            "http://[::1]:9000/memories/key",
        ),
        (
            "https://bücher.test:9000",
            "S3-compatible server",
            "us-east-1",
            "https://xn--bcher-kva.test:9000/memories/key",
        ),
        (
            "https://ec2-192-0-2-1.compute-1.amazonaws.com:9000",
            "S3-compatible server",
            "us-east-1",
            "https://ec2-192-0-2-1.compute-1.amazonaws.com:9000/memories/key",
        ),
        (
            "https://abc.r2.cloudflarestorage.com.evil.test",
            "S3-compatible server",
            "us-east-1",
            "https://abc.r2.cloudflarestorage.com.evil.test/memories/key",
        ),
    ],
)
def test_the_endpoint_chooses_the_provider(
    endpoint: str, name: str, region: str | None, url: str
) -> None:
    provider = chosen(endpoint)
    assert (provider.name, provider.region) == (name, region)
    assert dialled(provider) == url


def test_r2_gets_two_parts_at_a_time_and_no_encryption_headers() -> None:
    provider = chosen("https://abc.r2.cloudflarestorage.com")
    assert provider.parallel_uploads == 2
    assert provider.refused_sse == {"AES256", "aws:kms"}
    assert chosen("").refused_sse == set()


def test_elsewhere_three_parts_are_in_flight() -> None:
    assert chosen("").parallel_uploads == 3
    assert chosen("http://localhost:9000").parallel_uploads == 3


def test_settings_win_over_the_table() -> None:
    provider = chosen(
        "https://abc.r2.cloudflarestorage.com",
        akosha_cloud_region="weur",
        akosha_parallel_uploads=7,
        akosha_addressing_style="virtual",
    )
    assert (provider.region, provider.parallel_uploads) == ("weur", 7)
    assert dialled(provider) == "https://memories.abc.r2.cloudflarestorage.com/key"
    path = chosen("https://s3.us-east-1.amazonaws.com", akosha_addressing_style="path")
    assert dialled(path) == "https://s3.us-east-1.amazonaws.com/memories/key"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (
            "https://s3.us-east-1.amazonaws.com",
            "https://s3.us-east-1.amazonaws.com/my.memories/key",
        ),
        ("https://minio.test", "https://minio.test/my.memories/key"),
        ("http://minio.test", "http://my.memories.minio.test/key"),
    ],
)
def test_a_bucket_with_dots_is_never_in_an_https_host(endpoint: str, url: str) -> None:
    """A wildcard certificate covers one label only."""
    provider = chosen(endpoint, "my.memories", akosha_addressing_style="virtual")
    assert provider.virtual_style is (not provider.secure)
    assert dialled(provider, "my.memories") == url


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://[::1]:9000"])
def test_a_bucket_is_never_put_before_an_address(endpoint: str) -> None:
    assert not chosen(endpoint, akosha_addressing_style="virtual").virtual_style


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://abc.r2.cloudflarestorage.com",
        "http://s3.us-west-004.backblazeb2.com",
        "http://storage.googleapis.com",
    ],
)
def test_http_where_only_https_is_answered_is_an_error(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="https:// only") as caught:
        chosen(endpoint, akosha_allow_insecure_endpoint=True)
    assert endpoint.replace("http:", "https:") in caught.value.hint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://pub-123.r2.dev",
        "https://memories.s3-website-us-east-1.amazonaws.com",
        "https://other-bucket.s3.us-east-1.amazonaws.com",
        "https://abc.execute-api.us-east-1.amazonaws.com",
    ],
)
def test_addresses_that_look_right_and_cannot_work_say_what_would(endpoint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        chosen(endpoint)
    assert "https://" in caught.value.hint


@pytest.mark.parametrize("region", ["us east", "eu-west-1/", "-x", "régión"])
def test_what_no_region_is_called_is_an_error(region: str) -> None:
    with pytest.raises(SettingsError, match="akosha_cloud_region"):
        chosen("", akosha_cloud_region=region)


def test_an_empty_region_is_auto() -> None:
    assert chosen("http://localhost:9000", akosha_cloud_region="").region == "us-east-1"


@pytest.mark.parametrize("status", [200, 301, 403])
def test_aws_names_a_buckets_region_to_anyone(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/memories", method="HEAD").respond_with_data(
        status=status, headers={"x-amz-bucket-region": "eu-west-1", "Location": "/elsewhere"}
    )
    provider = chosen(httpserver.url_for(""))
    assert bucket_region(urllib3.PoolManager(), provider, "memories") == "eu-west-1"
    request, _ = httpserver.log[0]
    assert "Authorization" not in request.headers


def test_an_unknown_bucket_has_no_region(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/memories").respond_with_data(
        status=404, headers={"x-amz-bucket-region": "not a region"}
    )
    provider = chosen(httpserver.url_for(""))
    assert bucket_region(urllib3.PoolManager(retries=False), provider, "memories") is None


def test_the_settings_in_the_documentation_choose_the_provider_they_stand_under() -> None:
    page = Path(__file__).parents[2].joinpath("docs/providers.md").read_text(encoding="utf-8")
    result = {}
    for section in page.split("\n## ")[1:]:
        heading = section.splitlines()[0]
        for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL):
            settings = yaml.safe_load(block.replace("<account>", "0123456789abcdef"))
            if "akosha_cloud_endpoint" in settings:
                result[heading] = provider_for(Settings(**settings)).name
    other = "S3-compatible server"
    assert result == {
        "AWS S3": "AWS S3",
        "Cloudflare R2": "Cloudflare R2",
        "MinIO, Ceph, SeaweedFS, rclone": other,
        "Backblaze B2": "Backblaze B2",
        "Wasabi": "Wasabi",
        "Google Cloud Storage": "Google Cloud Storage",
        "DigitalOcean Spaces": "DigitalOcean Spaces",
        "Anything else": other,
    }
