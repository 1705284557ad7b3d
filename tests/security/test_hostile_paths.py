"""A clone may bring any name: none of it acts on the terminal, whichever command prints the path."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from akosha_hook.paths import Paths
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.terminal import run_on_a_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.s3 import TestBucket

# Red text, a C1 control, and a mark that turns the text around.
HOSTILE = "a\x1b[31mb\x9b1mc\u202ed"
ACTS = ("\x1b[31mb", "\x9b1m", "\u202e")
ESCAPED = r"a\x1b[31mb\x9b1mc\u202ed"


@pytest.fixture
def hostile(tmp_path: Path, bucket: TestBucket, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home below such a directory, so that every path that a command prints has it."""
    top = tmp_path / HOSTILE
    (top / "repository").mkdir(parents=True)
    (top / "home").mkdir()
    subprocess.run(["git", "init", "-q", "."], cwd=top / "repository", check=True)
    # Not the home directory itself, which messages shorten to ~.
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(top / "claude"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(top / "config"))
    monkeypatch.chdir(top / "repository")
    home = Home(Paths.from_environment(os.environ), bucket)
    make_databases(home.paths.data, conversations=3)
    home.configure(akosha_enable_fallback=False)
    return home


# What each prints has a path in it; {} is a hostile word.
COMMANDS = [
    "install --dry-run",
    "install --yes",
    "install --git",
    "install --git --dry-run",
    "install --scope project",
    "uninstall --dry-run",
    "uninstall",
    "status",
    "doctor",
    "config init",
    "config show --origin",
    "restore --dry-run",
    "restore --to {}",
    "ls --system {}",
    "config get {}",
    "config set {} 1",
    "forget {}",
    "{}",
]


def run(home: Home, command: str) -> str:
    done = home.akosha_hook(*(word.format(HOSTILE) for word in shlex.split(command)))
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_is_escaped_in_a_pipe(hostile: Home, command: str) -> None:
    if command.startswith("uninstall"):
        run(hostile, "install --git")
    if command.startswith("restore"):
        run(hostile, "sync")
    shown = run(hostile, command)
    assert ESCAPED in shown
    assert not any(each in shown for each in ACTS)


@pytest.mark.parametrize("command", ["install --dry-run", "install", "status", "config init"])
def test_a_path_is_escaped_on_a_terminal(hostile: Home, command: str) -> None:
    shown = run_on_a_terminal(command.split(), dict(os.environ))
    assert ESCAPED in "".join(shown.split())
    assert not any(each in shown for each in ACTS)


@pytest.mark.parametrize("command", ["status --json", "doctor --json", "config show --json"])
def test_a_path_is_escaped_in_a_document(hostile: Home, command: str) -> None:
    shown = run(hostile, command)
    assert r"a\u001b[31mb\u009b1mc\u202ed" in shown
    assert not any(each in shown for each in ACTS)


def test_a_path_is_escaped_where_a_person_is_asked(hostile: Home) -> None:
    """The file that names the new destination is named with its line."""
    text = hostile.paths.settings_yaml.read_text()
    hostile.paths.settings_yaml.write_text(text.replace("memories-", "elsewhere-"))
    shown = run_on_a_terminal(["sync"], dict(os.environ), typed="n\n")
    assert "Send memories there from now on?" in shown
    assert f"{ESCAPED}/claude/settings/session-buddy.yaml" in "".join(shown.split())
    assert not any(each in shown for each in ACTS)


def test_a_path_is_escaped_in_the_logs(hostile: Home) -> None:
    """A file that has to be set aside is named there."""
    (hostile.paths.state / "machine.json").write_text("nonsense")
    run(hostile, "sync")
    for log in (hostile.paths.log, hostile.paths.session_buddy_log):
        text = log.read_text()
        assert ESCAPED in text
        assert not any(each in text for each in ACTS)


def test_a_path_is_escaped_where_it_is_said_where_memories_go(hostile: Home) -> None:
    hostile.unpin()
    shown = run(hostile, "install --yes")
    assert f"{ESCAPED}/claude/data" in shown.partition("From now on")[2].partition("\n")[0]
    assert not any(each in shown for each in ACTS)
