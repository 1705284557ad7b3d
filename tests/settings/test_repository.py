from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings import Settings
from akosha_hook.settings.repository import MAX_BYTES, RepositoryRules, rules

if TYPE_CHECKING:
    from pathlib import Path

UNRESTRICTED = RepositoryRules(
    upload_on_session_end=True, upload_on_commit=True, min_interval_seconds=900
)


@pytest.fixture
def repository(home: Path) -> Path:
    directory = home / "clone"
    subprocess.run(["git", "init", "-q", str(directory)], check=True)
    return directory


def test_a_repository_without_files_restricts_nothing(repository: Path) -> None:
    assert rules(repository, Settings()) == UNRESTRICTED


def test_a_repository_can_switch_its_uploads_off_and_lengthen_the_interval(
    repository: Path,
) -> None:
    (repository / ".akosha-hook.toml").write_text(
        "akosha_upload_on_commit = false\nakosha_upload_on_session_end = false\n"
        "akosha_min_interval_seconds = 7200\n"
    )
    (repository / "deep" / "down").mkdir(parents=True)
    assert rules(repository / "deep" / "down", Settings()) == RepositoryRules(
        upload_on_session_end=False, upload_on_commit=False, min_interval_seconds=7200
    )


def test_pyproject_can_say_it_too(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.akosha-hook]\nakosha_upload_on_commit = false\n'
    )
    result = rules(repository, Settings())
    assert not result.upload_on_commit
    assert result.ignored == ()


def test_a_repository_cannot_widen_what_the_user_chose(repository: Path) -> None:
    (repository / ".akosha-hook.toml").write_text(
        "akosha_upload_on_commit = true\nakosha_min_interval_seconds = 1\n"
    )
    settings = Settings(akosha_upload_on_commit=False, akosha_min_interval_seconds=600)
    result = rules(repository, settings)
    assert (result.upload_on_commit, result.min_interval_seconds) == (False, 600)
    assert len(result.ignored) == 2


def test_a_nearer_file_cannot_lift_a_restriction(repository: Path) -> None:
    (repository / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    (repository / "sub").mkdir()
    (repository / "sub" / ".akosha-hook.toml").write_text("akosha_upload_on_commit = true\n")
    assert not rules(repository / "sub", Settings()).upload_on_commit


def test_an_interval_is_at_most_a_day(repository: Path) -> None:
    (repository / ".akosha-hook.toml").write_text("akosha_min_interval_seconds = 99999999\n")
    result = rules(repository, Settings())
    assert result.min_interval_seconds == 900
    assert "from 0 to 86400" in result.ignored[0]


@pytest.mark.parametrize(
    "line",
    [
        'akosha_cloud_endpoint = "https://evil.example"',
        'akosha_cloud_bucket = "evil"',
        'akosha_http_url = "https://evil.example"',
        'akosha_aws_profile = "work"',
        "akosha_use_instance_role = true",
        "akosha_allow_insecure_endpoint = true",
        'akosha_ca_file = "/tmp/evil.pem"',
        'akosha_data_dir = "/etc"',
        'akosha_metrics_file = "/etc/cron.d/x"',
        'akosha_secret_key = "hunter2"',
        'akosha_force_method = "http"',
        "log_level = 'DEBUG'",
        "[credential_process]\nrun = 'id'",
    ],
)
def test_nothing_else_has_any_effect(repository: Path, line: str) -> None:
    (repository / ".akosha-hook.toml").write_text(line + "\n")
    result = rules(repository, Settings())
    assert result == RepositoryRules(
        upload_on_session_end=True,
        upload_on_commit=True,
        min_interval_seconds=900,
        ignored=result.ignored,
    )
    (message,) = result.ignored
    assert "is not for a repository to set" in message
    assert "evil" not in message
    assert "hunter2" not in message


def test_files_above_the_repository_are_not_looked_at(repository: Path) -> None:
    (repository.parent / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    assert rules(repository, Settings()) == UNRESTRICTED


def test_outside_a_repository_no_file_is_looked_at(home: Path) -> None:
    (home / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    assert rules(home, Settings()) == UNRESTRICTED
    assert rules(None, Settings()) == UNRESTRICTED


def test_a_worktree_is_a_repository_of_its_own(repository: Path, home: Path) -> None:
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", str(home / "tree")], check=True)
    (home / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    assert rules(home / "tree", Settings()) == UNRESTRICTED
    (home / "tree" / ".akosha-hook.toml").write_text("akosha_upload_on_commit = false\n")
    assert not rules(home / "tree", Settings()).upload_on_commit


def test_a_symlink_is_not_followed(repository: Path, home: Path) -> None:
    (home / "elsewhere.toml").write_text("akosha_upload_on_commit = false\n")
    (repository / ".akosha-hook.toml").symlink_to(home / "elsewhere.toml")
    result = rules(repository, Settings())
    assert result.upload_on_commit
    assert "symlink" in result.ignored[0]


def test_a_pipe_or_directory_in_its_place_is_reported_and_never_waited_for(
    repository: Path,
) -> None:
    os.mkfifo(repository / ".akosha-hook.toml")
    (repository / "pyproject.toml").mkdir()
    result = rules(repository, Settings())
    assert result.upload_on_commit
    assert "is not a regular file" in result.ignored[0]
    assert "is a directory" in result.ignored[1]


@pytest.mark.parametrize(
    "content",
    [
        b"akosha_upload_on_commit = false\n" + b"#\n" * MAX_BYTES,
        b"a" + b".a" * 100_000 + b" = 1",
        b"a = " + b"[" * 4000,
        b"\xff\xfe",
        b"akosha_upload_on_commit = ",
        b'"\\u001b[31m" = 1',
        b"".join(b"key%d = 1\n" % n for n in range(10_000)),
        b'akosha_upload_on_commit = "\\u001b]0;evil\\u0007"',
    ],
    ids=["huge", "dotted", "nested", "encoding", "broken", "escape", "many", "value"],
)
def test_a_hostile_file_has_no_effect_and_reads_harmlessly(
    repository: Path, content: bytes
) -> None:
    (repository / ".akosha-hook.toml").write_bytes(content)
    result = rules(repository, Settings())
    assert result.upload_on_commit
    assert 1 <= len(result.ignored) <= 21
    assert all(each.isprintable() and len(each) < 2000 for each in result.ignored)


def test_a_hostile_directory_name_is_reported_escaped(home: Path) -> None:
    directory = home / "\x1b[2Jclone\nX"
    subprocess.run(["git", "init", "-q", str(directory)], check=True)
    (directory / ".akosha-hook.toml").write_text("nonsense = 1\n")
    (message,) = rules(directory, Settings()).ignored
    assert message.isprintable()
