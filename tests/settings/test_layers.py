"""Keys that are not settings: mistyped ones, credentials, and those of Session-Buddy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

CANARY = "hunter2-canary"


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


def test_many_unknown_keys_make_a_short_report(layers: Layers) -> None:
    layers.base("".join(f"akosha_unknown_{number}: 1\n" for number in range(5000)))
    warnings = layers.load().warnings
    assert len(warnings) == 21
    assert warnings[-1] == "and 4980 more like these"
