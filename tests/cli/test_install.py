"""What `install` and `uninstall` say and do, typed as a user would."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run
from akosha_hook.paths import shipped
from tests.support.installing import repository, tree

if TYPE_CHECKING:
    from pathlib import Path

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
    said = capsys.readouterr().out
    assert "Claude Code (user settings) reports when a session ends." in said
    assert "akosha-hook config set akosha_cloud_bucket NAME" in said
    assert "AWS_ACCESS_KEY_ID" in said
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_CLOUD_BUCKET", "memories")
    assert run(cli, ["install"]) == 0
    said = capsys.readouterr().out
    assert "akosha_cloud_bucket" not in said
    assert "AWS_ACCESS_KEY_ID" in said
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    assert run(cli, ["install"]) == 0
    said = capsys.readouterr().out
    assert "Nothing is left to do." in said
    assert "not-a-real-secret" not in said
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_CHUNK_SIZE_MB", "many")
    assert run(cli, ["install"]) == 0
    said = capsys.readouterr().out
    assert "correct the settings: " in said
    assert "AKOSHA_CHUNK_SIZE_MB" in said


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


def test_uninstall_takes_everything_or_only_what_is_named(
    paths: Paths,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = repository(tmp_path / "one"), repository(tmp_path / "two")
    before = tree(home), tree(one), tree(two)
    for directory in (one, two):
        monkeypatch.chdir(directory)
        assert run(cli, ["install", "--git", "--scope", "user"]) == 0
    assert run(cli, ["install", "--scope", "project"]) == 0
    assert run(cli, ["uninstall", "--git"]) == 0
    assert not (two / ".git" / "hooks").exists()
    assert (two / ".claude" / "settings.json").exists()
    assert (one / ".git" / "hooks" / "post-commit").exists()
    assert run(cli, ["uninstall", "--scope", "project"]) == 0
    assert tree(two) == before[2]
    assert paths.hook_script.exists()
    assert run(cli, ["uninstall"]) == 0
    assert (tree(home), tree(one), tree(two)) == before
    capsys.readouterr()
    assert run(cli, ["uninstall"]) == 0
    assert "Nothing of ours" in capsys.readouterr().out


def test_a_dry_run_of_uninstall_writes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cli, ["install"])
    before = tree(home)
    capsys.readouterr()
    assert run(cli, ["uninstall", "--dry-run"]) == 0
    assert tree(home) == before
    assert "session-end" in capsys.readouterr().out


def test_what_uninstall_has_to_leave_is_an_error(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cli, ["install"])
    paths.claude_settings.write_text("{")
    assert run(cli, ["uninstall"]) == 1
    assert f"{paths.claude_settings} is not valid JSON" in capsys.readouterr().err
