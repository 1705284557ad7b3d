"""How the origin of a value is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.settings import Layer, Origin

FILE = Path("/home/ada/.config/session-buddy/config.yaml")


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (
            Origin(Layer.CONFIG, FILE, 3, "cloud_sync.cloud_bucket"),
            f"{FILE}:3 cloud_sync.cloud_bucket",
        ),
        (Origin(Layer.CONFIG, FILE, 3, "akosha_cloud_bucket"), f"{FILE}:3"),
        (
            Origin(Layer.ENVIRONMENT, None, None, "SESSION_BUDDY_PATHS__DATA_DIR"),
            "environment SESSION_BUDDY_PATHS__DATA_DIR",
        ),
        (Origin(Layer.COMMAND_LINE, None, None, "akosha_force_method"), "command line"),
    ],
)
def test_a_nested_spelling_and_a_variable_are_named(origin: Origin, shown: str) -> None:
    assert str(origin) == shown


def test_a_variable_spells_the_same_key_as_a_file() -> None:
    variable = Origin(Layer.ENVIRONMENT, None, None, "SESSION_BUDDY_CLOUD_SYNC__CLOUD_BUCKET")
    assert variable.key == Origin(Layer.CONFIG, FILE, 1, "cloud_sync.cloud_bucket").key
