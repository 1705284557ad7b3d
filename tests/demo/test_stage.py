"""The demo's temporary home: nothing of the real one gets in."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.demo.s3_server import S3Server
from akosha_hook.demo.stage import Stage
from akosha_hook.errors import AkoshaHookError
from akosha_hook.util import files
from tests.support.reports import leave_receipt


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    server = S3Server("none", "http://127.0.0.1:9", "key", "secret", tmp_path / "server.log")
    return Stage(tmp_path / "stage", server, print)


def test_no_setting_or_key_of_the_user_gets_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("SESSION_BUDDY_AKOSHA_CLOUD_BUCKET", "mine")
    assert "mine" not in stage.environ.values()
    assert stage.environ["HOME"] == str(stage.home)
    assert stage.paths.claude.is_relative_to(stage.home)
    assert stage.short(stage.paths.data) == "~/.claude/data"


def test_a_command_that_fails_is_an_error_with_what_it_printed(stage: Stage) -> None:
    stage.home.mkdir()
    with pytest.raises(AkoshaHookError, match="failed: broken"):
        stage.run(["/bin/sh", "-c", "echo broken >&2; exit 1"])
    assert stage.run(["/bin/sh", "-c", "cat; pwd"], stdin=b"in ") == f"in {stage.home}\n"


def test_an_upload_that_failed_ends_the_wait_with_its_error(stage: Stage) -> None:
    files.private_directory(stage.paths.receipts)
    leave_receipt(stage.paths, 1)
    assert stage.wait_for_upload(1).success
    leave_receipt(stage.paths, 2, error="no network")
    with pytest.raises(AkoshaHookError, match="no network"):
        stage.wait_for_upload(2)


def test_without_a_worker_there_is_nothing_to_wait_for(stage: Stage) -> None:
    stage.wait_for_worker()
    files.private_directory(stage.paths.state)
    stage.wait_for_worker()
