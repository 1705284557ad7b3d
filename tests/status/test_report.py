"""What a Report concludes from what was gathered."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from akosha_hook.cli.status_view import sections
from akosha_hook.format.manifest import Stale
from akosha_hook.util import files
from tests.support.home import Home
from tests.support.reports import report_now
from tests.support.state_documents import whole_receipt


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


@pytest.mark.parametrize(
    ("reason", "said"), [("missing", True), ("empty", True), ("excluded", False)]
)
def test_a_database_that_is_missed_is_a_problem_until_it_was_left_out_on_purpose(
    configured: Home, reason: str, said: bool
) -> None:
    stale = Stale(
        reason=reason, since="2026-11-24T15:00:00+00:00", as_of="2026-11-20T08:30:00+00:00"
    )
    done = whole_receipt()
    (file,) = done.files
    report = report_now(configured.paths)
    last = msgspec.structs.replace(done, files=(msgspec.structs.replace(file, stale=stale),))
    problems = dataclasses.replace(report, last_success=last).problems
    line = (
        f"reflection.duckdb is not backed up as it is now ({reason}, since 2026-11-24 15:00 UTC); "
        "its last good copy is as of 2026-11-20 08:30 UTC "
        "(akosha-hook restore --file reflection.duckdb)"
    )
    assert (line in problems) is said
    shown = [
        line.text
        for section in sections(dataclasses.replace(report, last_success=last))
        for line in section.lines
    ]
    assert (line in shown) is said
