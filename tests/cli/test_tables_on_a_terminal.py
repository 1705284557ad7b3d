"""`history` and `ls` on a terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.duck import change
from tests.support.home import Home
from tests.support.recovery import upload
from tests.support.terminal import run_on_a_terminal

if TYPE_CHECKING:
    pass


def test_tables_fit_80_columns(uploading_home: Home) -> None:
    uploading_home.configure(akosha_system_id="a-rather-long-hostname-of-a-machine")
    for _ in range(3):
        change(uploading_home.paths.data / "reflection.duckdb", 3)
        upload(uploading_home.paths)
    there = uploading_home.settings["akosha_cloud_bucket"]
    uploading_home.configure(akosha_cloud_bucket="not-there")
    uploading_home.akosha_hook("sync", "--full")
    uploading_home.configure(akosha_cloud_bucket=there)
    for command in ("history", "ls"):
        drawn = run_on_a_terminal([command], dict(os.environ))
        assert max(len(line) for line in drawn.splitlines()) <= 80, drawn
    assert "█" in run_on_a_terminal(["history"], {**os.environ, "PYTHONUTF8": "1"})
