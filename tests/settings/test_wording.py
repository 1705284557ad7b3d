"""Values in messages never show a credential, and no field is taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings.table import table

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

CANARY = "hunter2-canary"


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
    for name, row in table().items():
        value = row.default if isinstance(row.default, str) else None
        layers.environ[f"SESSION_BUDDY_{name.upper()}"] = value or "1"
    assert not any("looks like a credential" in each for each in layers.load().problems)
