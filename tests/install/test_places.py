"""Every place where we are installed is listed, and what would keep it from working is named."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.install.places import installed_places
from akosha_hook.paths import Paths
from tests.support.installing import install_claude, install_git, places, uninstall

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_installed_is_no_place(paths: Paths, repo: Path) -> None:
    assert installed_places(paths, os.environ, repo) == ()


def test_what_works_is_listed(paths: Paths, repo: Path, tmp_path: Path) -> None:
    """Other repositories and projects too, wherever one stands; not after uninstall."""
    install_claude(paths)
    install_claude(paths, "project", repo)
    install_git(paths, repo)
    result = places(paths, tmp_path)
    assert {kind: place.state for kind, place in result.items()} == {
        "claude-user": "working",
        "claude-project": "working",
        "git": "working",
    }
    assert result["git"].path == repo / ".git" / "hooks"
    assert installed_places(paths, os.environ, repo) == tuple(result.values())
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
    result = places(paths, repo)
    assert {place.state for place in result.values()} == {"broken"}
    for place in result.values():
        assert place.detail == f"it names a script that is gone: {old.hook_script}"
    install_claude(paths)
    install_git(paths, repo)
    assert {place.state for place in places(paths, repo).values()} == {"working"}


def test_hooks_that_no_record_knows_are_found(paths: Paths, repo: Path) -> None:
    install_claude(paths)
    install_git(paths, repo)
    paths.install.write_text("{ cut in hal")
    assert set(places(paths, repo)) == {"claude-user", "git"}
