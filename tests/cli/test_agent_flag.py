"""An agent deletes and replaces only with the flag that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akosha_hook.cli.agent_flag import require_flag
from akosha_hook.errors import AkoshaHookError, ExitCode
from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.s3 import TestBucket


@pytest.fixture
def at_home(paths: Paths, bucket: TestBucket) -> Home:
    make_databases(paths.data, conversations=1)
    home = Home(paths, bucket)
    home.configure(akosha_keep_last=1)
    assert home.akosha_hook("sync").returncode == 0
    return home


@pytest.mark.parametrize(
    ("command", "flag"),
    [("prune", "--yes-delete-uploads"), ("restore", "--yes-replace-databases")],
)
def test_an_agent_needs_the_flag_that_names_it(at_home: Home, command: str, flag: str) -> None:
    refused = at_home.akosha_hook(command, CODEX_THREAD_ID="1")
    assert refused.returncode == ExitCode.USAGE
    assert "is refused under a coding agent (CODEX_THREAD_ID is set)" in refused.stderr
    assert flag in refused.stderr
    document = json.loads(at_home.akosha_hook(command, "--json", CODEX_THREAD_ID="1").stdout)
    assert document["success"] is False
    assert at_home.akosha_hook(command, "--dry-run", CODEX_THREAD_ID="1").returncode == 0
    allowed = at_home.akosha_hook(command, flag, CODEX_THREAD_ID="1")
    assert allowed.returncode == 0, allowed.stderr


def test_an_agent_may_restore_beside_the_databases(at_home: Home, tmp_path: Path) -> None:
    done = at_home.akosha_hook("restore", "--to", str(tmp_path / "copy"), CODEX_THREAD_ID="1")
    assert done.returncode == 0, done.stderr


def test_an_agent_may_change_what_is_kept(at_home: Home) -> None:
    """docs/security.md says so: what protects uploads are keys that may not delete."""
    done = at_home.akosha_hook("config", "set", "akosha_keep_daily", "1", CODEX_THREAD_ID="1")
    assert done.returncode == 0, done.stderr
    (at_home.paths.data / "knowledge_graph.duckdb").unlink()
    done = at_home.akosha_hook("forget", "knowledge_graph.duckdb", CODEX_THREAD_ID="1")
    assert done.returncode == 0, done.stderr


def test_cron_and_scripts_need_no_flag(at_home: Home) -> None:
    for command in ("prune", "restore"):
        done = at_home.akosha_hook(command)
        assert done.returncode == 0, done.stderr


def test_the_refusal_says_what_to_type() -> None:
    with pytest.raises(AkoshaHookError, match="Deleting uploads is refused") as caught:
        require_flag({"GEMINI_CLI": "1"}, "--yes", given=False, what="Deleting uploads")
    assert caught.value.hint == "type the command in a terminal of your own, or add --yes"
    require_flag({"GEMINI_CLI": "1"}, "--yes", given=True, what="Deleting uploads")
