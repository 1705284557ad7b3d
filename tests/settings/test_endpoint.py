from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.errors import SettingsError
from akosha_hook.settings.endpoint import (
    InvalidURLError,
    UrlPart,
    is_region,
    parse,
    same_server,
    split_url,
)
from akosha_hook.settings.fields import Settings
from akosha_hook.settings.rules import Given, check
from akosha_hook.settings.values import RejectedError


@pytest.mark.parametrize(
    ("url", "netloc", "secure"),
    [
        ("", "s3.amazonaws.com", True),
        ("http://localhost:9000", "localhost:9000", False),
        ("http://localhost:80/", "localhost", False),
        ("https://minio.test:443", "minio.test", True),
        ("https://minio.test:80", "minio.test:80", True),
        ("https://MinIO.Test.", "minio.test", True),
        (" https://minio.test ", "minio.test", True),
        ("http://[::1]:9000", "[::1]:9000", False),
        ("https://[fd00::A]", "[fd00::a]", True),
        ("https://[fd00:0:0::a]:443", "[fd00::a]", True),
        ("https://bücher.test", "xn--bcher-kva.test", True),
        ("http://storage_1:8333", "storage_1:8333", False),
    ],
)
def test_a_url_names_a_server(url: str, netloc: str, secure: bool) -> None:
    endpoint = parse(url)
    assert (endpoint.netloc, endpoint.secure) == (netloc, secure)


@pytest.mark.parametrize(
    "url",
    [
        "minio.test",
        "minio.test:9000",
        "ftp://minio.test",
        "s3://memories",
        "https://",
        "https://minio.test/memories",
        "https://minio.test?x=1",
        "https://minio.test#x",
        "https://key:secret@minio.test",
        "https://minio.test:port",
        "https://minio.test:0",
        "https://minio.test:99999",
        "https://<account>.r2.cloudflarestorage.com",
        "https://min io.test",
        "https://minio..test",
        "https://minio.test\\@evil.test",
        "https://[::1",
        "https://[not-ipv6]",
        f"https://{'a' * 64}.test",
    ],
)
def test_what_names_no_server_is_an_error(url: str) -> None:
    with pytest.raises(SettingsError, match="akosha_cloud_endpoint"):
        parse(url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("s3.amazonaws.com", True),
        ("s3.eu-west-1.amazonaws.com", True),
        ("s3-us-west-2.amazonaws.com", True),
        ("s3.dualstack.us-east-1.amazonaws.com", True),
        ("s3.cn-north-1.amazonaws.com.cn", True),
        ("memories.s3.eu-west-1.amazonaws.com", True),
        ("s3.amazonaws.com.evil.test", False),
        ("evils3.amazonaws.com", False),
        ("s3-front.eu-west-1.elb.amazonaws.com", False),
    ],
)
def test_aws_is_recognised(host: str, expected: bool) -> None:
    assert parse(f"https://{host}").is_aws is expected


@pytest.mark.parametrize(
    ("url", "endpoint", "expected"),
    [
        ("http://localhost:9000", "http://LOCALHOST:9000/", True),
        ("https://minio.test", "https://minio.test:443", True),
        ("https://minio.test", "http://minio.test", False),
        ("https://minio.test", "https://minio.test:9000", False),
        ("https://s3.amazonaws.com", "", True),
        ("https://s3.amazonaws.com", "https://s3.eu-west-1.amazonaws.com", True),
        ("not a url", "http://localhost:9000", False),
        ("https://minio.test", "not a url", False),
    ],
)
def test_one_server_may_be_written_in_two_ways(url: str, endpoint: str, expected: bool) -> None:
    assert same_server(url, Settings(akosha_cloud_endpoint=endpoint)) is expected


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("https://[::1", UrlPart.SYNTAX),
        ("https://minio.test:port", UrlPart.SYNTAX),
        ("ftp://minio.test", UrlPart.SCHEME_OR_HOST),
        ("https://", UrlPart.SCHEME_OR_HOST),
        ("https://minio.test:0", UrlPart.SCHEME_OR_HOST),
        ("https://key@minio.test", UrlPart.USERINFO),
        ("https://minio.test?", UrlPart.QUERY),
        ("https://minio.test/#x", UrlPart.QUERY),
        ("https://-minio.test", UrlPart.HOST_NAME),
        ("https://minio_.test-", UrlPart.HOST_NAME),
        ("https://[fe80::1%25eth0]", UrlPart.HOST_NAME),
    ],
)
def test_a_bad_url_says_which_part_is_wrong(url: str, part: UrlPart) -> None:
    with pytest.raises(InvalidURLError) as caught:
        split_url(url)
    assert caught.value.part is part


@pytest.mark.parametrize("region", ["us-east-1", "auto", "EU", "garage", "a" * 63])
def test_regions(region: str) -> None:
    assert is_region(region)


@pytest.mark.parametrize(
    "region", ["", "-x", "x-", "us east", "eu-west-1/", "a" * 64, "région", "us-ea\u017ft-1"]
)
def test_what_no_region_is_called(region: str) -> None:
    assert not is_region(region)


@given(
    st.text("abc.-_ü:/@?#[]%1", max_size=20),
    st.sampled_from(["https://", "http://localhost", "https://[::1]", ""]),
)
def test_an_endpoint_that_settings_take_can_always_be_used(rest: str, start: str) -> None:
    context = Given({"akosha_cloud_bucket": "", "akosha_allow_insecure_endpoint": True}, Path("/"))
    try:
        value = check("akosha_cloud_endpoint", start + rest, context)
    except RejectedError:
        return
    assert parse(value).host
