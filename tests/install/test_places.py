"""Every place where we are installed is listed, and what would keep it from working is named."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install.places import Place, installed_places
from akosha_hook.paths import Paths
from tests.support.installing import git, install_claude, install_git, repository, uninstall

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo")


def places(paths: Paths, directory: Path) -> dict[str, Place]:
    return {place.kind: place for place in installed_places(paths, os.environ, directory)}


def test_nothing_installed_is_no_place(paths: Paths, repo: Path) -> None:
    assert installed_places(paths, os.environ, repo) == ()


def test_what_works_is_listed(paths: Paths, repo: Path, tmp_path: Path) -> None:
    """Other repositories and projects too, wherever one stands; not after uninstall."""
    install_claude(paths)
    install_claude(paths, "project", repo)
    install_git(paths, repo)
    found = places(paths, tmp_path)
    assert {kind: place.state for kind, place in found.items()} == {
        "claude-user": "working",
        "claude-project": "working",
        "git": "working",
    }
    assert found["git"].path == repo / ".git" / "hooks"
    assert installed_places(paths, os.environ, repo) == tuple(found.values())
    uninstall(paths)
    assert installed_places(paths, os.environ, repo) == ()


def test_a_deleted_environment_breaks_every_place(paths: Paths, repo: Path) -> None:
    install_claude(paths)
    install_git(paths, repo)
    paths.interpreter.write_text("/gone/bin/python\n")
    for place in places(paths, repo).values():
        assert place.state == "broken"
        assert place.detail.endswith("is gone: /gone/bin/python")
        assert place.fix == "akosha-hook install"
    install_claude(paths)
    assert paths.interpreter.read_text() == f"{sys.executable}\n"
    assert {place.state for place in places(paths, repo).values()} == {"working"}


def test_a_missing_script_breaks_every_place(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    paths.hook_script.unlink()
    assert "names a script that is gone" in places(paths, repo)["git"].detail


def test_hooks_that_name_a_script_of_a_moved_home_are_broken(
    paths: Paths, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a $b").mkdir()
    old = Paths.from_environment({"CLAUDE_CONFIG_DIR": str(tmp_path / "a $b" / "claude")})
    install_claude(old)
    install_git(old, repo)
    assert {place.state for place in places(old, repo).values()} == {"working"}
    old.claude.rename(paths.claude)
    found = places(paths, repo)
    assert {place.state for place in found.values()} == {"broken"}
    for place in found.values():
        assert place.detail == f"it names a script that is gone: {old.hook_script}"
    install_claude(paths)
    install_git(paths, repo)
    assert {place.state for place in places(paths, repo).values()} == {"working"}


def test_an_overwritten_hook_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    (repo / ".git" / "hooks" / "post-merge").write_text("#!/bin/sh\nsomething else\n")
    place = places(paths, repo)["git"]
    assert (place.state, place.detail) == (
        "broken",
        "removed, or overwritten by something else: post-merge",
    )
    assert place.fix == "akosha-hook install --git"


def test_a_hook_without_the_executable_bit_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    (repo / ".git" / "hooks" / "post-commit").chmod(0o644)
    assert "post-commit" in places(paths, repo)["git"].detail


def test_a_hooks_path_that_was_moved_since_is_broken(paths: Paths, repo: Path) -> None:
    install_git(paths, repo)
    git(repo, "config", "core.hooksPath", "elsewhere")
    place = places(paths, repo)["git"]
    assert place.state == "broken"
    assert place.detail == f"git runs hooks from {repo / 'elsewhere'} now"


def test_hooks_that_no_record_knows_are_found(paths: Paths, repo: Path) -> None:
    install_claude(paths)
    install_git(paths, repo)
    paths.install.write_text("{ cut in hal")
    assert set(places(paths, repo)) == {"claude-user", "git"}


def test_a_deleted_repository_is_no_place(paths: Paths, repo: Path, tmp_path: Path) -> None:
    install_git(paths, repo)
    repo.rename(tmp_path / "moved")
    assert installed_places(paths, os.environ, tmp_path) == ()


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
    assert "Claude Code ignores the file: not valid JSON" in place.detail


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
