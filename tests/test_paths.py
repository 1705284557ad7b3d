"""Where the user's own settings lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.paths import Paths


def test_session_buddys_settings_are_in_the_configuration_directory(tmp_path: Path) -> None:
    """In `~/.config` on every system, as Session-Buddy has it."""
    paths = Paths.from_environment({"HOME": str(tmp_path)})
    assert paths.config_yaml == tmp_path / ".config" / "session-buddy" / "config.yaml"
    assert paths.config_local_yaml == tmp_path / ".config" / "session-buddy" / "local.yaml"
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    paths = Paths.from_environment(environ)
    assert paths.config_yaml == tmp_path / "xdg" / "session-buddy" / "config.yaml"


@pytest.mark.parametrize("value", ["", "config", ".", "~/config"])
def test_a_configuration_directory_that_is_not_absolute_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """Else it would be one in whatever repository a hook runs in."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", value)
    paths = Paths.from_environment({"HOME": str(tmp_path), "XDG_CONFIG_HOME": value})
    for each in paths.settings_files:
        assert each.is_relative_to(tmp_path)
        assert "config" not in each.relative_to(tmp_path).parts


def test_settings_files_are_listed_highest_first(tmp_path: Path) -> None:
    paths = Paths.from_environment({"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    assert [each.name for each in paths.settings_files] == [
        "config.toml",
        "local.yaml",
        "config.yaml",
        "local.yaml",
        "session-buddy.yaml",
    ]
    bare = Paths(tmp_path / ".claude", tmp_path / "config.toml")
    assert bare.settings_files == (bare.user_toml, bare.local_yaml, bare.settings_yaml)
