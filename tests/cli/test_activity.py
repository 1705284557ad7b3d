"""What a running sync is doing, in words: from the states that it writes."""

from __future__ import annotations

import pytest

from akosha_hook.cli.activity import activity, next_sync, with_bar, with_percentage
from akosha_hook.state.progress_file import State


def test_a_sync_that_is_due_is_about_to_start() -> None:
    assert next_sync(-3) == next_sync(0) == "next sync about to start"
    assert next_sync(660) == "next sync in 11 min"


@pytest.mark.parametrize("phase", ["idle", "waiting", "a phase of a later version"])
def test_where_no_sync_is_running_there_is_nothing_to_say(phase: str) -> None:
    assert activity(State(phase=phase, file="x.duckdb")) == ""


def test_an_upload_is_shown_with_its_share_and_its_bar() -> None:
    state = State(
        phase="upload",
        file="x.duckdb",
        total_bytes=40_000_000,
        done_bytes=10_000_000,
        wire_bytes=3_000_000,
    )
    assert with_percentage(state) == "uploading x.duckdb, 25%"
    bar = "#####---------------"
    assert with_bar(state) == f"uploading x.duckdb [{bar}] 25% of 40.0 MB, 3.0 MB sent"


def test_a_file_that_grew_is_never_more_than_done() -> None:
    state = State(phase="download", file="x.duckdb", total_bytes=10, done_bytes=20)
    assert with_percentage(state) == "downloading x.duckdb, 100%"


def test_a_phase_that_is_not_measured_has_no_bar() -> None:
    state = State(phase="snapshot", total_bytes=10, done_bytes=5)
    assert with_bar(state) == with_percentage(state) == "taking a snapshot"
