"""Settings files that cannot be read as they should."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.fields import Settings as Table

if TYPE_CHECKING:
    from tests.settings.conftest import Layers

EVERY_FIELD = frozenset(Table.__struct_fields__)


def test_a_broken_file_leaves_the_other_layers(layers: Layers) -> None:
    layers.base("akosha_cloud_bucket: memories\n")
    layers.local("a: [\n")
    loaded = layers.load()
    assert loaded.settings.akosha_cloud_bucket == "memories"
    assert len(loaded.problems) == 1


@pytest.mark.parametrize("layer", ["settings_yaml", "local_yaml", "user_toml"])
def test_a_directory_in_its_place_is_a_problem(layers: Layers, layer: str) -> None:
    path = getattr(layers.paths, layer)
    path.mkdir(parents=True)
    assert layers.load().problems == (f"{path}: is a directory, not a file",)


def test_a_pipe_in_its_place_is_not_waited_for(layers: Layers) -> None:
    layers.paths.settings_yaml.parent.mkdir(parents=True)
    os.mkfifo(layers.paths.settings_yaml)
    assert layers.load().problems == (f"{layers.paths.settings_yaml}: is not a regular file",)


def test_a_file_in_place_of_the_settings_directory_is_a_problem(layers: Layers) -> None:
    layers.write(layers.paths.claude / "settings", "")
    problems = layers.load().problems
    assert len(problems) == 2
    assert all("cannot be read: Not a directory" in each for each in problems)


def test_a_symlink_loop_is_a_problem(layers: Layers) -> None:
    layers.paths.user_toml.parent.mkdir(parents=True)
    layers.paths.user_toml.symlink_to(layers.paths.user_toml)
    (problem,) = layers.load().problems
    assert "cannot be read" in problem


def test_a_symlink_of_the_users_own_is_followed(layers: Layers) -> None:
    real = layers.write(layers.paths.claude / "dotfiles.toml", "akosha_max_retries = 9\n")
    layers.paths.user_toml.parent.mkdir(parents=True)
    layers.paths.user_toml.symlink_to(real)
    assert layers.load().settings.akosha_max_retries == 9


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing\n", "---\n", "---\n...\n", "~\n", "{}\n", "\ufeff# bom\n"]
)
def test_an_empty_file_sets_nothing(layers: Layers, text: str) -> None:
    layers.base(text)
    loaded = layers.load()
    assert loaded.settings == Settings()
    assert loaded.problems == loaded.warnings == ()


def test_byte_order_mark_and_windows_line_ends_are_read(layers: Layers) -> None:
    layers.base("\ufeffakosha_max_retries: 9\r\nakosha_system_id: mac\r\n")
    layers.user("\ufeffakosha_keep_last = 2\r\n")
    settings = layers.load().settings
    assert settings.akosha_max_retries == 9
    assert settings.akosha_system_id == "mac"
    assert settings.akosha_keep_last == 2
