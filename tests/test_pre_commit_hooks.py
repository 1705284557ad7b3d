"""`.pre-commit-hooks.yaml`, run by pre-commit and prek as a user's repository has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from akosha_hook.hook import outbox
from tests.support.hooks import record_interpreter
from tests.support.installing import git, repository

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

TOOLS = Path(sys.executable).parent
MANIFEST = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"
# `language: system` uses the akosha-hook that is being tested instead of installing another.
CONFIG = """\
default_install_hook_types: [pre-commit, post-commit, post-merge, post-rewrite]
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - {{id: akosha-sync, language: system}}
      - {{id: akosha-check-settings, language: system}}
      - {{id: akosha-check-secrets, language: system}}
"""


@pytest.fixture
def hooks_repository(tmp_path: Path) -> Path:
    directory = repository(tmp_path / "akosha-hook")
    shutil.copy(MANIFEST, directory)
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "--message=hooks")
    return directory


@pytest.fixture(params=["pre-commit", "prek"])
def repo(
    request: pytest.FixtureRequest,
    hooks_repository: Path,
    tmp_path: Path,
    paths: Paths,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A repository that uses the hooks, and a worker that does nothing."""
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    record_interpreter(paths, "/bin/true")
    directory = repository(tmp_path / "repo")
    revision = git(hooks_repository, "rev-parse", "HEAD").strip()
    text = CONFIG.format(repository=hooks_repository, revision=revision)
    (directory / ".pre-commit-config.yaml").write_text(text)
    subprocess.run(
        [TOOLS / request.param, "install"], cwd=directory, check=True, capture_output=True
    )
    git(directory, "add", ".")
    return directory


def events(paths: Paths) -> list[str]:
    return [event.name for event in outbox.waiting(paths)]


def test_the_manifest_is_valid(hooks_repository: Path) -> None:
    manifest = hooks_repository / ".pre-commit-hooks.yaml"
    subprocess.run([TOOLS / "pre-commit", "validate-manifest", manifest], check=True)


def test_commits_and_rebases_are_reported_and_amends_only_once(paths: Paths, repo: Path) -> None:
    git(repo, "commit", "--quiet", "--message=one")
    assert events(paths) == ["post-commit"]
    git(repo, "commit", "--quiet", "--amend", "--message=two")
    assert events(paths) == ["post-commit", "post-commit"]
    git(repo, "branch", "other", "HEAD~1")
    git(repo, "commit", "--quiet", "--allow-empty", "--no-verify", "--message=three")
    outbox.acknowledge(outbox.waiting(paths))
    git(repo, "rebase", "--quiet", "--force-rebase", "HEAD~1")
    assert events(paths) == ["post-rewrite"]


def test_a_secret_and_a_bad_value_stop_the_commit(paths: Paths, repo: Path) -> None:
    (repo / "settings").mkdir()
    settings = repo / "settings" / "session-buddy.yaml"
    secret = "hunter2hunter2"
    settings.write_text(f"akosha_secret_key: {secret}\nakosha_chunk_size_mb: many\n")
    git(repo, "add", ".")
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--message=bad"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "settings/session-buddy.yaml:1: akosha_secret_key looks like a credential" in output
    assert "settings/session-buddy.yaml:2: akosha_chunk_size_mb" in output
    assert secret not in output
    settings.write_text("akosha_cloud_bucket: memories\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=good")
