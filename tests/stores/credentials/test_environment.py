"""Keys in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.errors import CredentialsError
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import resolve
from tests.support.credentials import ACCESS, SECRET, revealed

DEFAULTS = Settings(akosha_cloud_bucket="memories")
AWS = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}


def test_without_a_session_token_there_is_none(home: Path) -> None:
    assert resolve(DEFAULTS, {**AWS, "AWS_SESSION_TOKEN": ""}, home=home).session_token is None


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": ACCESS}, "AWS_SECRET_ACCESS_KEY is not"),
        ({"AWS_SECRET_ACCESS_KEY": SECRET}, "AWS_ACCESS_KEY_ID is not"),
        ({"MINIO_ACCESS_KEY": ACCESS}, "MINIO_SECRET_KEY is not"),
    ],
)
def test_half_a_pair_is_said(home: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(CredentialsError, match=message):
        resolve(DEFAULTS, environ, home=home)


def test_a_newline_around_a_key_is_forgiven(home: Path) -> None:
    resolved = resolve(DEFAULTS, {**AWS, "AWS_SECRET_ACCESS_KEY": f"{SECRET}\n"}, home=home)
    assert revealed(resolved)[1] == SECRET
