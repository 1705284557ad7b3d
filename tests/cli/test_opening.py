"""What every command begins with."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from akosha_hook.cli.opening import forget_project, open_context
from akosha_hook.errors import SettingsError
from akosha_hook.paths import Paths
from tests.support.home import Home


def test_looking_makes_nothing_and_writing_makes_a_private_directory(paths: Paths) -> None:
    open_context()
    assert not paths.claude.exists()
    open_context(writes=True)
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700


def test_settings_that_cannot_be_used_are_an_error_where_they_matter(paths: Paths) -> None:
    Home(paths).configure(akosha_max_retries="many")
    assert open_context(strict=False).loaded.problems
    with pytest.raises(SettingsError, match="akosha_max_retries"):
        open_context()


def test_a_state_directory_that_others_can_read_is_made_private_and_logged(paths: Paths) -> None:
    paths.state.mkdir(parents=True, mode=0o755)
    open_context(writes=True)
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700
    assert f"{paths.state} was open to others" in paths.log.read_text()


def test_what_the_project_put_into_the_environment_is_ignored_and_said(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    (project / ".claude").mkdir(parents=True)
    variable = "SESSION_BUDDY_AKOSHA_CLOUD_BUCKET"
    document = {"env": {variable: "somebody-elses"}}
    (project / ".claude" / "settings.json").write_text(json.dumps(document))
    monkeypatch.setenv(variable, "somebody-elses")
    monkeypatch.chdir(project)
    context = open_context()
    assert context.settings.akosha_cloud_bucket == ""
    assert variable not in os.environ
    assert any(variable in each for each in context.loaded.warnings)
    assert forget_project() == ()
