"""What each field requires of its value besides the type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.settings.conftest import Layers

BUCKET_RULE = "3 to 63 lower-case letters"


@pytest.mark.parametrize(
    "name",
    ["memories", "a.b-c", "123", "my.bucket.example", "x" * 63, "session-buddy-memories"],
)
def test_a_bucket_name_by_s3s_rules_is_taken(layers: Layers, name: str) -> None:
    layers.base(f"akosha_cloud_bucket: '{name}'\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_cloud_bucket == name


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("ab", BUCKET_RULE),
        ("x" * 64, BUCKET_RULE),
        ("Memories", BUCKET_RULE),
        ("my_bucket", BUCKET_RULE),
        ("-memories", BUCKET_RULE),
        ("memories.", BUCKET_RULE),
        ("a..b", BUCKET_RULE),
        ("192.168.0.1", BUCKET_RULE),
        ("memories\u0661", BUCKET_RULE),
        ("xn--memories", "a name S3 does not keep for itself"),
        ("memories-s3alias", "a name S3 does not keep for itself"),
        ("s3://memories", "a bucket's bare name"),
        ("memories/folder", "a bucket's bare name"),
    ],
)
def test_another_bucket_name_is_not(layers: Layers, name: str, allowed: str) -> None:
    layers.base(f"akosha_cloud_bucket: '{name}'\n")
    loaded = layers.load()
    assert f"must be {allowed}" in loaded.problems[0]
    assert loaded.settings.akosha_cloud_bucket == ""


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("", ""),
        ("https://s3.us-east-1.amazonaws.com", None),
        ("https://s3.example.com/", "https://s3.example.com"),
        ("HTTPS://s3.example.com:9000", "https://s3.example.com:9000"),
        ("http://localhost:9000", None),
        ("http://127.0.0.1:9000", None),
        ("http://127.9.9.9", None),
        ("http://[::1]:9000", None),
        ("https://m\u00fcnchen.example", None),
        ("https://storage_1.example", None),
    ],
)
def test_an_endpoint_is_scheme_and_host(layers: Layers, written: str, used: str | None) -> None:
    layers.base(f"akosha_cloud_endpoint: '{written}'\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_cloud_endpoint == (written if used is None else used)


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        ("localhost:9000", "a URL with http:// or https://"),
        ("s3.example.com", "a URL with http:// or https://"),
        ("ftp://s3.example.com", "a URL with http:// or https://"),
        ("https://", "a URL with http:// or https://"),
        ("https://[::1", "a URL such as"),
        ("https://s3.example.com:99999", "a URL such as"),
        ("https://s3.example.com:0", "a URL with http:// or https://"),
        ("https://s3.example.com:x", "a URL such as"),
        ("https://s3 .example.com", "a URL with a plain host name"),
        ("https://s3.example.com\\evil", "a URL with a plain host name"),
        ("https://[fe80::1%25eth0]", "a URL with a plain host name"),
        ("https://s3.example.com/folder", "scheme and host only (no path): drop /folder"),
        ("https://s3.example.com?x", "without ? or #"),
        ("https://s3.example.com/#", "without ? or #"),
        ("http://minio.example:9000", "https:// beyond this machine"),
        ("http://127.1:9000", "https:// beyond this machine"),
        ("http://localhost.evil.example", "https:// beyond this machine"),
        ("http://0.0.0.0:9000", "https:// beyond this machine"),
        ("http://169.254.169.254", "https:// beyond this machine"),
    ],
)
def test_another_endpoint_is_refused(layers: Layers, written: str, allowed: str) -> None:
    layers.base(f"akosha_cloud_endpoint: '{written}'\n")
    loaded = layers.load()
    (problem,) = loaded.problems
    assert f"must be {allowed}" in problem
    assert loaded.settings.akosha_cloud_endpoint == ""


def test_an_endpoint_with_the_bucket_behind_it_says_what_to_drop(layers: Layers) -> None:
    layers.local("akosha_cloud_bucket: memories\n")
    layers.base("akosha_cloud_endpoint: https://x.r2.cloudflarestorage.com/memories\n")
    (problem,) = layers.load().problems
    assert "the bucket belongs in akosha_cloud_bucket): drop /memories" in problem


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("http://localhost:8682", "http://localhost:8682"),
        ("http://localhost:8682/mcp/", "http://localhost:8682/mcp"),
        ("https://akosha.example/mcp", "https://akosha.example/mcp"),
    ],
)
def test_the_akosha_server_may_be_named_with_its_path(
    layers: Layers, written: str, used: str
) -> None:
    layers.base(f"akosha_http_url: {written}\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_http_url == used


@pytest.mark.parametrize(
    "written", ["", "localhost:8682", "http://akosha.example", "https://akosha.example/api"]
)
def test_another_akosha_url_is_refused(layers: Layers, written: str) -> None:
    layers.base(f"akosha_http_url: '{written}'\n")
    loaded = layers.load()
    assert len(loaded.problems) == 1
    assert loaded.settings.akosha_http_url == "http://localhost:8682"


def test_a_kms_key_goes_with_kms(layers: Layers) -> None:
    layers.base("akosha_sse_kms_key_id: my-key\nakosha_sse: aws:kms\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_sse_kms_key_id == "my-key"


def test_paths_may_begin_in_the_home_directory(layers: Layers, home: Path) -> None:
    layers.base("akosha_data_dir: '~'\nakosha_ca_file: ~/ca.pem\nakosha_metrics_file: /m.prom\n")
    settings = layers.load().settings
    assert settings.akosha_data_dir == str(home)
    assert settings.akosha_ca_file == str(home / "ca.pem")
    assert settings.akosha_metrics_file == "/m.prom"


def test_an_empty_region_is_auto(layers: Layers) -> None:
    layers.base("akosha_cloud_region: ''\n")
    assert layers.load().settings.akosha_cloud_region == "auto"
