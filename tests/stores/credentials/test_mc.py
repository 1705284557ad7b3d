from __future__ import annotations

import json
from pathlib import Path

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import Credentials, resolve
from tests.support.credentials import SECRET, everything_said, revealed, write

ALIASES = {
    "gcs": {"url": "https://storage.googleapis.com", "accessKey": "YOUR-ACCESS-KEY-HERE", "secretKey": "YOUR-SECRET-KEY-HERE"},
    "empty": {"url": "http://localhost:9000", "accessKey": "", "secretKey": ""},
    "local": {"url": "http://LOCALHOST:9000/", "accessKey": "local-access", "secretKey": "local-secret", "api": "s3v4", "path": "auto"},
    "s3": {"url": "https://s3.amazonaws.com", "accessKey": "aws-access", "secretKey": "aws-secret", "sessionToken": "aws-token"},
    "office": {"url": "https://minio.test:443", "accessKey": "office-access", "secretKey": "office-secret"},
}  # fmt: skip


def config(home: Path, aliases: object = ALIASES, key: str = "aliases") -> Path:
    return write(home / ".mc/config.json", json.dumps({"version": "10", key: aliases}))


def resolved(home: Path, endpoint: str, **environ: str) -> Credentials:
    return resolve(Settings(akosha_cloud_endpoint=endpoint), environ, home=home)


@pytest.mark.parametrize(
    ("endpoint", "access", "alias"),
    [
        ("http://localhost:9000", "local-access", "local"),
        ("https://minio.test", "office-access", "office"),
        ("https://s3.eu-west-1.amazonaws.com", "aws-access", "s3"),
        ("", "aws-access", "s3"),
    ],
)
def test_the_alias_for_the_endpoint_is_used(
    home: Path, endpoint: str, access: str, alias: str
) -> None:
    config(home)
    credentials = resolved(home, endpoint)
    assert revealed(credentials)[0] == access
    assert credentials.source == f"alias {alias} in ~/.mc/config.json"


def test_a_session_token_comes_along(home: Path) -> None:
    config(home)
    assert revealed(resolved(home, ""))[2] == "aws-token"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:9001",
        "https://localhost:9000",
        "http://minio.test",
        "https://minio.test.evil.test",
        "https://storage.googleapis.com",
    ],
)
def test_keys_of_another_server_are_not_used(home: Path, endpoint: str) -> None:
    config(home)
    with pytest.raises(CredentialsError, match=r"an alias for this endpoint .*none there"):
        resolved(home, endpoint)


def test_minio_alias_chooses_by_name(home: Path) -> None:
    config(home)
    assert revealed(resolved(home, "https://other.test", MINIO_ALIAS="local"))[0] == "local-access"
    with pytest.raises(CredentialsError, match="alias mistyped in"):
        resolved(home, "http://localhost:9000", MINIO_ALIAS="mistyped")


def test_two_aliases_with_different_keys_are_warned_about(home: Path) -> None:
    second = {**ALIASES["local"], "accessKey": "second-access"}
    config(home, {**ALIASES, "second": second, "third": ALIASES["local"]})
    credentials = resolved(home, "http://localhost:9000")
    assert revealed(credentials)[0] == "local-access"
    assert "MINIO_ALIAS" in str(credentials.warnings[0])
    assert "second-access" not in str(credentials.warnings[0])


def test_an_old_config_calls_them_hosts(home: Path) -> None:
    config(home, ALIASES, key="hosts")
    assert revealed(resolved(home, "http://localhost:9000"))[0] == "local-access"


def test_the_config_may_be_elsewhere(home: Path, tmp_path: Path) -> None:
    config(home).rename(write(tmp_path / "mc/config.json", ""))
    assert resolved(home, "", MC_CONFIG_DIR=str(tmp_path / "mc")).source == (
        f"alias s3 in {tmp_path}/mc/config.json"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a:b@minio.test", ("a", "b", None)),
        ("https://a:b:c@minio.test/", ("a", "b", "c")),
        ("https://a:b/+b@minio.test:443", ("a", "b/+b", None)),
        ("https://a:b%2Fb@minio.test", ("a", "b/b", None)),
    ],
)
def test_mc_host_variables_come_before_the_config(
    home: Path, value: str, expected: tuple[str, str, str | None]
) -> None:
    config(home)
    credentials = resolved(home, "https://minio.test", MC_HOST_x=value)
    assert revealed(credentials) == expected
    assert credentials.source == "environment (MC_HOST_x)"


@pytest.mark.parametrize("value", ["", "https://minio.test", "minio.test", "https://:@minio.test"])
def test_mc_host_variables_without_keys_are_passed_over(home: Path, value: str) -> None:
    config(home)
    assert revealed(resolved(home, "https://minio.test", MC_HOST_x=value))[0] == "office-access"


@pytest.mark.parametrize(
    "content",
    [
        f"{{{SECRET}",
        f'{{"aliases": ["{SECRET}"]}}',
        f'{{"aliases": {{"x": {{"url": "u", "accessKey": 5, "secretKey": "{SECRET}"}}}}}}',
    ],
)
def test_a_malformed_config_is_named_and_not_quoted(home: Path, content: str) -> None:
    write(home / ".mc/config.json", content)
    with pytest.raises(CredentialsError, match=r"~/.mc/config.json") as caught:
        resolved(home, "http://localhost:9000")
    assert "canary" not in everything_said(caught.value)


def test_a_config_open_to_others_is_warned_about(home: Path) -> None:
    config(home).chmod(0o644)
    assert "chmod 600 ~/.mc/config.json" in str(resolved(home, "").warnings[0])
