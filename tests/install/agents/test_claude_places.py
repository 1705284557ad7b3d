"""What would keep Claude Code from running our hooks is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from akosha_hook.paths import Paths
from tests.support.installing import install_claude, places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"disableAllHooks": True}, "disableAllHooks is set"),
        ({"hooks": {}}, "our hooks were removed"),
    ],
)
def test_settings_that_silence_us_are_broken(
    paths: Paths, tmp_path: Path, change: dict[str, object], detail: str
) -> None:
    install_claude(paths)
    document = json.loads(paths.claude_settings.read_text()) | change
    paths.claude_settings.write_text(json.dumps(document))
    place = places(paths, tmp_path)["claude-user"]
    assert place.state == "broken"
    assert detail in place.detail


def test_settings_that_claude_ignores_are_broken(paths: Paths, tmp_path: Path) -> None:
    install_claude(paths)
    paths.claude_settings.write_text('{"hooks": }')
    place = places(paths, tmp_path)["claude-user"]
    assert "Claude Code ignores the file: it is not valid JSON" in place.detail


def test_a_linked_settings_file_is_called_by_its_usual_name(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "dotfiles.json").write_text("{}")
    paths.claude.mkdir()
    paths.claude_settings.symlink_to(tmp_path / "dotfiles.json")
    install_claude(paths)
    assert places(paths, tmp_path)["claude-user"].path == paths.claude_settings


def test_an_enabled_plugin_is_a_place(paths: Paths, tmp_path: Path) -> None:
    paths.claude.mkdir()
    paths.claude_settings.write_text('{"enabledPlugins": {"akosha-hook@here": true, "x@y": true}}')
    assert list(places(paths, tmp_path)) == ["claude-plugin"]
