"""Templates and documentation that are made from the table."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import yaml

from akosha_hook.settings import Settings, reference
from akosha_hook.settings.table import table

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

ROOT = Path(__file__).parents[2]
ANEW = "type: python -m akosha_hook.settings.reference"


def test_the_templates_are_up_to_date() -> None:
    assert (ROOT / reference.TOML_TEMPLATE).read_text() == reference.toml_template(), ANEW
    assert (ROOT / reference.YAML_TEMPLATE).read_text() == reference.yaml_template(), ANEW
    assert (ROOT / reference.NESTED_TEMPLATE).read_text() == reference.nested_template(), ANEW


def test_the_documentation_is_up_to_date() -> None:
    page = (ROOT / reference.CONFIGURATION).read_text()
    assert page == reference.with_tables(page), ANEW
    assert all(f"| `{name}` |" in page for name in table())


def uncommented(template: str) -> str:
    return re.sub(r"(?m)^# ((akosha_|enable_|log_)\w+( =|:) )", r"\1", template)


def test_a_template_without_its_comment_signs_is_every_default(layers: Layers) -> None:
    defaults = msgspec.json.decode(msgspec.json.encode(Settings()))
    toml = uncommented(reference.toml_template())
    text = uncommented(reference.yaml_template())
    assert tomllib.loads(toml) == defaults
    assert yaml.safe_load(text) == defaults
    layers.user(toml)
    layers.base(text)
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert loaded.problems == loaded.warnings == ()


def test_a_template_as_it_is_sets_nothing() -> None:
    assert tomllib.loads(reference.toml_template()) == {}
    assert yaml.safe_load(reference.yaml_template()) is None


def test_the_nested_template_without_its_comment_signs_is_every_default(layers: Layers) -> None:
    template = reference.nested_template()
    text = re.sub(r"(?m)^  # (\w+: )", r"  \1", uncommented(template))
    document = yaml.safe_load(text)
    grouped = document.pop("cloud_sync")
    assert len(grouped) == reference.GUIDE_FIELDS - 1
    assert {**document, **{f"akosha_{name}": value for name, value in grouped.items()}} == (
        msgspec.json.decode(msgspec.json.encode(Settings()))
    )
    layers.config(text)
    loaded = layers.load()
    assert (loaded.settings, loaded.problems, loaded.warnings) == (Settings(), (), ())
    assert yaml.safe_load(template) == {"cloud_sync": None}
