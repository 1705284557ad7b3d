"""`akosha-hook check-secrets`: exit codes and streams; what it finds is tested in tests/settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.cli import cli
from akosha_hook.cli.boundary import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzzz"


def test_a_credential_is_an_error_that_never_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session-buddy.yaml"
    path.write_text(f'aws_secret_access_key: "{SECRET}"\n')
    assert run(cli, ["check-secrets", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert "session-buddy.yaml" in shown.err
    assert SECRET not in shown.err


def test_without_a_credential_it_is_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "session-buddy.yaml"
    path.write_text('akosha_cloud_bucket: "memories"\n')
    assert run(cli, ["check-secrets", str(path)]) == 0
    assert run(cli, ["check-secrets"]) == 0
    assert capsys.readouterr() == ("", "")
