"""What a Report concludes from what was gathered."""

from __future__ import annotations

from akosha_hook.util import files
from tests.support.home import Home
from tests.support.reports import report_now


def test_settings_broken_hooks_and_files_set_aside_are_problems(configured: Home) -> None:
    assert configured.akosha_hook("install").returncode == 0
    assert report_now(configured.paths).problems == ()
    configured.configure(akosha_max_retries="many")
    configured.paths.hook_script.unlink()
    files.private_directory(configured.paths.receipts)
    corrupt = configured.paths.receipts / "20260101_000000_laptop.json.corrupt"
    corrupt.touch()
    problems = report_now(configured.paths).problems
    assert any("akosha_max_retries" in each for each in problems)
    broken = next(
        each for each in problems if each.startswith(str(configured.paths.claude_settings))
    )
    assert broken.endswith(". akosha-hook install")
    assert f"{corrupt} could not be read and was set aside" in problems
