"""`akosha-hook mcp`; the server itself is tested in tests/test_mcp.py."""

from __future__ import annotations

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

    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "akosha_hook.mcp", raising=False)
    assert run(cli, ["mcp"]) == 1
    assert "pip install 'akosha-hook[mcp]'" in capsys.readouterr().err
