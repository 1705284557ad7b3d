"""Session-Buddy's YAML files, whatever they hold."""

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
        (b"akosha_max_retries: 5\n\tx: y\n", ":2: is not valid YAML: found a tab character"),
        (b"a: [1\nb: 2\n", ":2: is not valid YAML"),
        (b"a: 1\nb: \x01\n", ":2: is not valid YAML: control characters are not allowed"),
        (b"a: 1\nb: *nowhere\n", ":2: is not valid YAML: found undefined alias"),
        (b"a: 1\n---\nb: 2\n", ":2: is not valid YAML"),
        (b"- a\n- b\n", ":1: must hold `key: value` lines"),
        (b"just text\n", ":1: must hold `key: value` lines"),
        (b"a: 1\nb: caf\xe9\n", ":2: is not UTF-8 text"),
        (b"a: " + b"[" * 500, ":1: is nested too deeply"),
        # libyaml 0.2.6 refuses this by itself: "is not valid YAML: exceeded maximum nesting depth".
        (b"a: " + b"[" * 200_000, ":1: is n"),
        (b"- " * 400_000, ":1: is nested too deeply"),
        (b"a: [" + b"1," * 300_000 + b"]", ":1: holds too many values"),
        (b"#" * (MAX_BYTES + 1), ": is larger than 1024 KiB"),
    ],
)
def test_broken_yaml_is_one_problem_with_its_line(
    layers: Layers, content: bytes, message: str
) -> None:
    path = layers.base(content)
    loaded = layers.load()
    (problem,) = loaded.problems
    assert problem.startswith(f"{path}{message}")
    assert problem.isprintable()
    assert loaded.settings == Settings()
    assert loaded.unsafe == EVERY_FIELD


def test_a_key_that_stands_twice_in_yaml_is_a_problem(layers: Layers) -> None:
    path = layers.base("akosha_max_retries: 1\nother: 1\nother: 2\nakosha_max_retries: 2\n")
    loaded = layers.load()
    assert loaded.problems == (f"{path}:4: akosha_max_retries is set twice, first on line 1",)
    assert loaded.settings.akosha_max_retries == 3


def test_anchors_and_merges_are_followed(layers: Layers) -> None:
    path = layers.base(
        "base: &base\n  akosha_max_retries: 7\n  akosha_system_id: theirs\n"
        "name: &name ours\n<<: *base\nakosha_system_id: *name\n"
    )
    loaded = layers.load()
    assert loaded.problems == ()
    assert loaded.settings.akosha_max_retries == 7
    assert loaded.settings.akosha_system_id == "ours"
    assert str(loaded.origins["akosha_max_retries"]) == f"{path}:2"


def test_a_bomb_of_anchors_does_not_go_off(layers: Layers) -> None:
    lines = ["a0: &a0 {akosha_max_retries: 7}"]
    lines += [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], x: [{', '.join([f'*a{n - 1}'] * 9)}]}}"
        for n in range(1, 40)
    ]
    layers.base("\n".join([*lines, "<<: *a39", "akosha_databases: *a39", ""]))
    loaded = layers.load()
    assert loaded.settings.akosha_max_retries == 7
    (problem,) = loaded.problems
    assert "akosha_databases is a mapping but must be a list of names" in problem


@pytest.mark.parametrize(
    "value",
    [
        "!!int nonsense",
        "!!python/object/apply:os.system ['id']",
        "!vault x",
        "2025-13-45",
        "1" + ":59" * 1000,
        "0x" + "f" * 4000,
        "9" * 100_000,
        "!!binary '***'",
        ".inf",
        "=",
        "<<",
        "!!set {a}",
        "[[1], {a: 1}]",
    ],
)
def test_strange_yaml_values_are_rejected_and_never_run(layers: Layers, value: str) -> None:
    path = layers.base(f"akosha_max_retries: {value}\n")
    (problem,) = layers.load().problems
    assert problem.startswith(f"{path}:1: akosha_max_retries is ")
    assert problem.endswith("but must be a whole number from 0 to 100")
    assert len(problem) < len(str(path)) + 200


def test_a_number_in_base_60_is_not_worked_out_at_any_length(layers: Layers) -> None:
    layers.base(f"akosha_max_retries: 1{':59' * 10_000}\n")
    (problem,) = layers.load().problems
    assert "akosha_max_retries is 1:59:59" in problem
