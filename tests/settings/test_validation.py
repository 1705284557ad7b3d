"""Files are checked one by one, by their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from akosha_hook.settings.validation import FileReport, validate_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("session-buddy.yaml", "akosha_max_retries: -1\n"),
        ("local.yml", "akosha_max_retries: -1\n"),
        ("config.toml", "akosha_max_retries = -1\n"),
        (".akosha-hook.toml", "akosha_upload_on_commit = 7\n"),
        ("pyproject.toml", "[tool.akosha-hook]\nakosha_upload_on_commit = 7\n"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_problem(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    (problem,) = validate_file(path, home=tmp_path).problems
    assert problem.startswith(str(path))
    assert "must be" in problem


def test_a_good_file_has_no_problems(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("akosha_max_retries = 5\n")
    assert validate_file(path, home=tmp_path) == FileReport()


@pytest.mark.parametrize(
    ("name", "problem"), [("settings.ini", "neither"), ("gone.toml", "does not exist")]
)
def test_other_files_are_refused(tmp_path: Path, name: str, problem: str) -> None:
    path = tmp_path / name
    if "gone" not in name:
        path.write_text("x")
    assert problem in validate_file(path, home=tmp_path).problems[0]
