"""Registrations of our MCP server that uninstalling leaves."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from akosha_hook.install.agents.claude_mcp import removal_steps
from akosha_hook.paths import Paths
from tests.support.home import Home
from tests.support.installing import install_claude

OURS = {"command": "akosha-hook", "args": ["mcp"]}
PYTHON = {"command": "/opt/my env/bin/python", "args": ["-P", "-m", "akosha_hook", "mcp"]}
AKOSHAS = {"type": "http", "url": "http://localhost:8682/mcp"}
OTHER = {"command": "akosha-hook-viewer", "args": ["mcp"]}


def register(path: Path, servers: object, projects: object = None) -> None:
    path.write_text(json.dumps({"numStartups": 3, "mcpServers": servers, "projects": projects}))


def test_ours_are_named_under_whatever_name_and_others_are_not(paths: Paths) -> None:
    path = paths.claude.with_name(".claude.json")
    projects = {"/home/me/my notes": {"mcpServers": {"akosha": PYTHON}}, "/x": 3}
    servers = {"akosha-hook": OURS, "akosha": AKOSHAS, "viewer": OTHER, "odd": 3}
    register(path, servers, projects)
    before = path.read_bytes()
    assert list(removal_steps(paths)) == [
        "claude mcp remove akosha-hook --scope user",
        "cd '/home/me/my notes' && claude mcp remove akosha --scope local",
    ]
    assert path.read_bytes() == before


def test_another_configuration_directory_has_its_own(paths: Paths, tmp_path: Path) -> None:
    register(paths.claude.with_name(".claude.json"), {"akosha": OURS})
    other = dataclasses.replace(paths, claude=tmp_path / "other")
    other.claude.mkdir()
    assert list(removal_steps(other)) == []
    register(other.claude / ".claude.json", {"akosha": PYTHON})
    assert list(removal_steps(other)) == ["claude mcp remove akosha --scope user"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mcpServers": []}', '{"projects": []}'])
def test_what_cannot_be_read_names_nothing(paths: Paths, text: str) -> None:
    paths.claude.with_name(".claude.json").write_text(text)
    assert list(removal_steps(paths)) == []


def test_uninstall_says_what_is_left_to_do(paths: Paths) -> None:
    install_claude(paths)
    register(paths.claude.with_name(".claude.json"), {"akosha": OURS})
    done = Home(paths).akosha_hook("uninstall")
    assert done.returncode == 0, done.stderr
    assert "Left to do: claude mcp remove akosha --scope user\n" in done.stdout
