"""What `install` says and does, typed as a user would."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run
from akosha_hook.paths import shipped
from tests.support.installing import repository, tree

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_a_dry_run_shows_the_diff_and_writes_nothing(
    paths: Paths, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.claude.mkdir()
    paths.claude_settings.write_text('{\n  "model": "opus"\n}\n')
    before = tree(home)
    assert run(cli, ["install", "--dry-run"]) == 0
    assert tree(home) == before
    shown = capsys.readouterr().out
    assert f"--- {paths.claude_settings}\n" in shown
    assert '-  "model": "opus"\n+  "model": "opus",\n+  "hooks": {\n' in shown
    assert f"would be created: {paths.hook_script}\n" in shown


def test_a_dry_run_shows_no_credential(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    paths.claude.mkdir()
    paths.claude_settings.write_text('{\n  "env": {"AWS_SECRET_ACCESS_KEY": "canary-0123"}\n}\n')
    assert run(cli, ["install", "--dry-run"]) == 0
    assert run(cli, ["install"]) == 0
    assert run(cli, ["uninstall", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "canary" not in shown
    assert "(a line with a credential)" in shown


def test_install_offers_the_repository_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = repository(tmp_path / "repo")
    monkeypatch.chdir(top)
    assert run(cli, ["install"]) == 0
    assert "akosha-hook install --git" in capsys.readouterr().out
    assert not (top / ".git" / "hooks").exists()
    assert run(cli, ["install", "--git"]) == 0
    capsys.readouterr()
    assert run(cli, ["install"]) == 0
    assert "akosha-hook install --git" not in capsys.readouterr().out


def test_install_says_what_is_left_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket, then credentials, then nothing; and what a hook manager still needs."""
    assert run(cli, ["install"]) == 0
    output = capsys.readouterr().out
    assert "Claude Code (user settings) reports when a session ends." in output
    assert "akosha-hook config set akosha_cloud_bucket NAME" in output
    assert "AWS_ACCESS_KEY_ID" in output
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_CLOUD_BUCKET", "memories")
    assert run(cli, ["install"]) == 0
    output = capsys.readouterr().out
    assert "akosha_cloud_bucket" not in output
    assert "AWS_ACCESS_KEY_ID" in output
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    assert run(cli, ["install"]) == 0
    assert "confirm where memories go. akosha-hook sync, " in capsys.readouterr().out
    assert run(cli, ["install", "--yes"]) == 0
    output = capsys.readouterr().out
    assert "Nothing is left to do." in output
    assert "not-a-real-secret" not in output
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_CHUNK_SIZE_MB", "many")
    assert run(cli, ["install"]) == 0
    output = capsys.readouterr().out
    assert "correct the settings: " in output
    assert "AKOSHA_CHUNK_SIZE_MB" in output


def test_installed_files_and_their_modes(paths: Paths) -> None:
    """The script unchanged and executable, the rest private."""
    assert run(cli, ["install"]) == 0
    assert paths.hook_script.read_bytes() == shipped("hooks/akosha-hook.sh").read_bytes()
    assert paths.interpreter.read_text() == f"{sys.executable}\n"
    modes = {name: mode & 0o777 for name, (mode, _) in tree(paths.state).items()}
    assert modes == {
        "bin": 0o700,
        "bin/akosha-hook.sh": 0o755,
        "interpreter": 0o600,
        "install.json": 0o600,
    }
    assert paths.state.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("option", ["--global", "--no-manager"])
def test_options_of_git_need_git(option: str) -> None:
    assert run(cli, ["install", option]) == 2


def test_the_rules_for_agents_are_those_of_the_page(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are offered, and never written by us."""
    before = tree(home)
    assert run(cli, ["install", "--deny-rules"]) == 0
    rules = capsys.readouterr().out
    assert tree(home) == before
    page = Path(__file__).parents[2] / "docs" / "security.md"
    assert f"```json\n{rules}```" in page.read_text(encoding="utf-8")
    assert "Bash(akosha-hook prune:*)" in json.loads(rules)["permissions"]["deny"]
    assert run(cli, ["install"]) == 0
    assert "akosha-hook install --deny-rules" in capsys.readouterr().out
