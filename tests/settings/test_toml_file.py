"""The user's TOML file, whatever it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.document import MAX_BYTES
from akosha_hook.settings.fields import Settings as Table

if TYPE_CHECKING:
    from tests.settings.conftest import Layers


EVERY_FIELD = frozenset(Table.__struct_fields__)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"akosha_max_retries = 5\nb =\n", ":2: is not valid TOML: Invalid value"),
        (b"a = 1\na = 2\n", ":2: is not valid TOML: Cannot overwrite a value"),
        (b"a = 1\nb = [1,", ": is not valid TOML: Invalid value at its end"),
        (b"akosha_max_retries: 5\n", ":1: is not valid TOML"),
        (b"a = 1\nb = 'caf\xe9'\n", ":2: is not UTF-8 text"),
        (b"a = 1\n" + b"b" * 5000 + b" = 1\n", ":2: has a line longer than 4096 characters"),
        (b"a = " + b"[" * 4000, ": is nested too deeply"),
        (b"#\n" * MAX_BYTES, ": is larger than 1024 KiB"),
    ],
)
def test_broken_toml_is_one_problem_with_its_line(
    layers: Layers, content: bytes, message: str
) -> None:
    path = layers.user(content)
    loaded = layers.load()
    (problem,) = loaded.problems
    assert problem.startswith(f"{path}{message}")
    assert loaded.settings == Settings()
    assert loaded.unsafe == EVERY_FIELD
