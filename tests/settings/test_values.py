"""What each field takes, and how a value it does not take is reported."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.table import table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.settings.conftest import Layers

BUCKET_RULE = "3 to 63 lower-case letters"


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("akosha_max_retries: three", "a whole number from 0 to 100"),
        ("akosha_max_retries: 101", "a whole number from 0 to 100"),
        ("akosha_max_retries: 2.5", "a whole number from 0 to 100"),
        ("akosha_max_retries: true", "a whole number from 0 to 100"),
        ("akosha_max_retries: '3'", "a whole number from 0 to 100"),
        ("akosha_retry_backoff_seconds: .nan", "a number from 0 to 3600"),
        ("akosha_retry_backoff_seconds: .inf", "a number from 0 to 3600"),
        ("akosha_settle_seconds: -.inf", "a number from 0 to 30"),
        ("akosha_retry_backoff_seconds: -0.1", "a number from 0 to 3600"),
        ("akosha_chunk_size_mb: 0", "a whole number from 1 to 100"),
        ("akosha_chunk_size_mb: 101", "a whole number from 1 to 100"),
        ("akosha_enable_delta: 1", "true or false"),
        ("akosha_enable_delta: 'yes'", "true or false"),
        ("akosha_force_method: s3", "one of auto, cloud, http"),
        ("akosha_sse: aes", "one of empty, AES256, aws:kms"),
        ("log_level: LOUD", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("akosha_cloud_bucket: 12345", "text (put it in quotes)"),
        ("akosha_system_id: 2025-02-08", "text (put it in quotes)"),
        ("akosha_cloud_bucket: [a]", "text"),
        ("akosha_cloud_bucket: {a: b}", "text"),
        ("akosha_databases: reflection.duckdb", "a list of names, at least one"),
        ("akosha_databases: []", "a list of names, at least one"),
        ("akosha_databases: ['']", "a list of names, at least one"),
        ("akosha_databases: [1]", "a list of names, at least one"),
        ("akosha_databases: [../other.duckdb]", "file names or globs inside akosha_data_dir"),
        ('akosha_databases: ["a\\0b"]', "free of control characters"),
        ('akosha_system_id: "a\\nb"', "free of control characters"),
        (f"akosha_system_id: {'x' * 4097}", "at most 4096 characters long"),
        (f"akosha_databases: [{'a, ' * 101}]", "a list of at most 100 names"),
        ("akosha_system_id: '///'", "empty, or hold at least one ASCII letter or digit"),
        ("akosha_cloud_region: us east", "auto, or a region such as us-east-1"),
        ("akosha_data_dir: data", "an absolute path"),
        ("akosha_ca_file: ~other/ca.pem", "an absolute path"),
        ("akosha_metrics_file: ./metrics.prom", "an absolute path"),
        ("akosha_aws_profile: 'a]b'", "a profile name"),
        ("akosha_sse_kms_key_id: arn:aws:kms:x", "empty, unless akosha_sse is aws:kms"),
    ],
)
def test_a_wrong_value_is_reported_with_file_line_key_value_and_what_is_allowed(
    layers: Layers, line: str, allowed: str
) -> None:
    path = layers.base(f"# settings\n{line}\n")
    loaded = layers.load()
    (problem,) = loaded.problems
    key = line.partition(":")[0]
    assert problem.startswith(f"{path}:2: {key} is ")
    assert f" but must be {allowed}" in problem
    assert problem.isprintable()
    assert loaded.settings == Settings()


@pytest.mark.parametrize("name", ["AKOSHA_SYSTEM_ID", "AKOSHA_FORCE_METHOD", "AKOSHA_DATABASES"])
def test_a_variable_that_is_not_utf8_is_rejected(layers: Layers, name: str) -> None:
    layers.environ[f"SESSION_BUDDY_{name}"] = os.fsdecode(b"caf\xe9")
    (problem,) = layers.load().problems
    assert problem == f'environment: SESSION_BUDDY_{name} is "caf\\udce9" but must be UTF-8 text'


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


def test_http_beyond_this_machine_can_be_allowed_and_is_noted(layers: Layers) -> None:
    layers.base("akosha_cloud_endpoint: http://minio.example:9000\n")
    layers.user("akosha_allow_insecure_endpoint = true\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_cloud_endpoint == "http://minio.example:9000"
    assert "memories travel unencrypted" in loaded.notes[0]


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


@pytest.mark.parametrize(("size", "noted"), [(1, True), (4, True), (5, False)])
def test_small_chunks_are_accepted_with_a_note(layers: Layers, size: int, noted: bool) -> None:
    layers.base(f"akosha_chunk_size_mb: {size}\n")
    loaded = layers.load()
    assert loaded.problems == loaded.warnings == ()
    assert loaded.settings.akosha_chunk_size_mb == size
    assert bool(loaded.notes) == noted


def test_cloud_by_force_without_a_bucket_is_a_warning(layers: Layers) -> None:
    layers.base("akosha_force_method: cloud\n")
    assert "akosha_cloud_bucket is empty" in layers.load().warnings[0]


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("akosha_cloud_buket", "akosha_cloud_bucket"),
        ("akosha_chunk_size", "akosha_chunk_size_mb"),
        ("AKOSHA_MAX_RETRIES", "akosha_max_retries"),
    ],
)
def test_a_misspelt_key_is_a_warning_with_a_suggestion(
    layers: Layers, key: str, meant: str
) -> None:
    path = layers.base(f"{key}: 1\n")
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.warnings == (f"{path}:1: {key} is not a setting; did you mean {meant}?",)


def test_a_misspelt_variable_is_a_warning_with_a_suggestion(layers: Layers) -> None:
    layers.environ["SESSION_BUDDY_AKOSHA_MAX_RETRY"] = "1"
    (warning,) = layers.load().warnings
    assert warning == (
        "environment: SESSION_BUDDY_AKOSHA_MAX_RETRY is not a setting; "
        "did you mean SESSION_BUDDY_AKOSHA_MAX_RETRIES?"
    )


def test_any_unknown_key_of_our_own_file_is_a_warning(layers: Layers) -> None:
    path = layers.user('cloud_bucket = "x"\nzzz = 1\n[akosha]\ncloud_bucket = "x"\n')
    assert layers.load().warnings == (
        f"{path}:1: cloud_bucket is not a setting; did you mean akosha_cloud_bucket?",
        f"{path}:2: zzz is not a setting",
        f"{path}:3: akosha is a mapping; settings are flat, like akosha_cloud_bucket",
    )


def test_session_buddys_other_keys_are_its_own(layers: Layers) -> None:
    layers.base("server_name: x\napi_key: hunter2\nembedding: {token: hunter2}\ndebug: [1]\n")
    layers.environ["SESSION_BUDDY_JWT_SECRET"] = "hunter2"
    loaded = layers.load()
    assert loaded.problems == loaded.warnings == ()


CANARY = "hunter2-canary"


@pytest.mark.parametrize(
    "key",
    [
        "akosha_secret_key",
        "akosha_cloud_access_key_id",
        "akosha_aws_secret_access_key",
        "akosha_token",
        "akosha_http_token",
        "akosha_password",
        "akosha_api_key",
        "akosha_credentials",
    ],
)
def test_a_key_that_looks_like_a_credential_is_an_error_that_does_not_show_it(
    layers: Layers, key: str
) -> None:
    layers.base(f"{key}: {CANARY}\n")
    layers.user(f'{key} = "{CANARY}"\n')
    layers.environ[f"SESSION_BUDDY_{key.upper()}"] = CANARY
    loaded = layers.load()
    assert len(loaded.problems) == 3
    assert all("AWS_ACCESS_KEY_ID" in each for each in loaded.problems)
    assert CANARY not in repr(loaded)


def test_nested_and_foreign_credentials_are_pointed_out_too(layers: Layers) -> None:
    layers.user(f'[akosha]\nsecret_key = "{CANARY}"\n')
    layers.base(f"aws_secret_access_key: {CANARY}\n")
    loaded = layers.load()
    assert "akosha.secret_key looks like a credential" in loaded.problems[0]
    assert "aws_secret_access_key looks like a credential" in loaded.warnings[0]
    assert CANARY not in repr(loaded)


@pytest.mark.parametrize(
    "endpoint",
    [
        f"https://key:{CANARY}@s3.example.com",
        f"https://{CANARY}@s3.example.com/x",
        f"https://s3.example.com?X-Amz-Signature={CANARY}",
    ],
)
def test_a_credential_inside_a_url_is_refused_and_not_shown(layers: Layers, endpoint: str) -> None:
    layers.base(f"akosha_cloud_endpoint: {endpoint}\nakosha_http_url: {endpoint}\n")
    loaded = layers.load()
    assert len(loaded.problems) == 2
    assert CANARY not in repr(loaded)


def test_no_field_of_ours_is_mistaken_for_a_credential(layers: Layers) -> None:
    for row in table().values():
        value = row.default if isinstance(row.default, str) else None
        layers.environ[row.environment_name] = value or "1"
    assert not any("looks like a credential" in each for each in layers.load().problems)
