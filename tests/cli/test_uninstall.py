"""What `uninstall` says and does, typed as a user would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run
from tests.support.installing import repository, tree

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.paths import Paths


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


def test_global_needs_git() -> None:
    assert run(cli, ["uninstall", "--global"]) == 2
