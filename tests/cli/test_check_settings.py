"""`akosha-hook check-settings`: exit codes and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_value_that_cannot_be_used_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session-buddy.yaml"
    path.write_text('akosha_max_retries: "many"\n')
    assert run(cli, ["check-settings", str(path)]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert "akosha_max_retries" in shown.err


def test_a_misspelt_name_is_only_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session-buddy.yaml"
    path.write_text("akosha_cloud_buckett: memories\n")
    assert run(cli, ["check-settings", str(path)]) == 0
    assert capsys.readouterr().err.startswith("Warning: ")
