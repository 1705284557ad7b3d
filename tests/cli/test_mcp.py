"""`akosha-hook mcp`; the server itself is tested in tests/test_mcp.py."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_without_the_extra_it_says_what_to_install(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from akosha_hook.cli import cli
    from akosha_hook.cli.boundary import run

    for name in ("mcp", "mcp.server", "mcp.types"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "akosha_hook.mcp", raising=False)
    assert run(cli, ["mcp"]) == 1
    assert "pip install 'akosha-hook[mcp]'" in capsys.readouterr().err


def test_an_sdk_that_cannot_be_used_is_told_with_what_to_install(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from akosha_hook.cli import cli
    from akosha_hook.cli.boundary import run

    def server() -> None:
        raise ImportError("cannot import name 'ToolAnnotations' from 'mcp.types'")

    monkeypatch.setattr(importlib.import_module("akosha_hook.mcp"), "server", server)
    assert run(cli, ["mcp"]) == 1
    told = capsys.readouterr().err
    assert "The MCP server cannot use the package mcp that is installed: cannot import" in told
    assert "pipx install 'akosha-hook[mcp]'" in told
