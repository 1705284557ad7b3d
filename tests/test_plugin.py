"""The tree is a Claude Code plugin: its manifests fit one another, its hooks and server start."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from akosha_hook.hook import outbox
from akosha_hook.install.agents.claude import HOOKS, TIMEOUT_SECONDS
from akosha_hook.paths import shipped
from akosha_hook.version import __version__
from tests.support.installing import install_claude

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

ROOT = shipped(".claude-plugin").parent


def manifest(name: str) -> Any:
    return json.loads((ROOT / name).read_text())


def hook_commands() -> dict[str, str]:
    return {
        event: entry["command"]
        for event, groups in manifest("hooks/hooks.json")["hooks"].items()
        for group in groups
        for entry in group["hooks"]
    }


def fire(command: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/sh", "-c", command],
        env={**os.environ, **environ},
        input=b'{"hook_event_name": "SessionEnd"}',
        capture_output=True,
        check=True,
    )


def test_the_version_is_the_packages() -> None:
    assert manifest(".claude-plugin/plugin.json")["version"] == __version__


def test_the_marketplace_offers_this_plugin_from_its_own_folder() -> None:
    [offered] = manifest(".claude-plugin/marketplace.json")["plugins"]
    assert offered["name"] == manifest(".claude-plugin/plugin.json")["name"]
    assert offered["source"] == "./"


def test_the_hooks_are_those_that_install_writes() -> None:
    """The same events, matchers and timeouts, in seconds."""
    written = manifest("hooks/hooks.json")["hooks"]
    assert list(written) == [hook.event for hook in HOOKS]
    for hook in HOOKS:
        [group] = written[hook.event]
        assert group.get("matcher") == hook.matcher
        assert group["hooks"][0]["timeout"] == TIMEOUT_SECONDS


def test_a_session_end_of_the_plugin_and_of_the_settings_are_two_events(paths: Paths) -> None:
    """Two events, for one worker: both copies find the same outbox."""
    install_claude(paths)
    paths.interpreter.write_text("/bin/true\n")
    settings = json.loads(paths.claude_settings.read_text())
    fire(settings["hooks"]["SessionEnd"][0]["hooks"][0]["command"])
    done = fire(hook_commands()["SessionEnd"], CLAUDE_PLUGIN_ROOT=str(ROOT))
    assert (done.stdout, done.stderr) == (b"", b"")
    assert [event.name for event in outbox.waiting(paths)] == ["session-end", "session-end"]


@pytest.mark.parametrize("recorded", [True, False])
def test_the_server_starts_with_the_recorded_interpreter_or_from_path(
    paths: Paths, tmp_path: Path, recorded: bool
) -> None:
    for name in ("akosha-hook", "python"):
        (tmp_path / name).write_text('#!/bin/sh\necho "${0##*/} $*"\n')
        (tmp_path / name).chmod(0o755)
    if recorded:
        paths.state.mkdir(parents=True)
        paths.interpreter.write_text(f"{tmp_path / 'python'}\n")
    server = manifest(".mcp.json")["mcpServers"]["akosha-hook"]
    done = subprocess.run(
        [server["command"], *server["args"]],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "python -P -m akosha_hook mcp\n" if recorded else "akosha-hook mcp\n"
    assert done.stdout == expected
