"""How it is said what became of the files of sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.cli.sets_view import sets_document, show_sets
from akosha_hook.restore import SetResult

MIXED = SetResult(
    "session-files",
    Path("/data"),
    put_back=1200,
    same=3,
    newer=["a", "b"],
    blocked=["c"],
)


def test_every_count_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_sets([MIXED, SetResult("claude-memory", Path("/c"), put_back=1, newer=["a"])])
    assert capsys.readouterr().out.splitlines() == [
        (
            "session-files: 1,200 files put back, 2 newer ones kept (--force replaces them), "
            "1 file left out, since something else is there, 3 there already."
        ),
        "  into /data",
        "claude-memory: 1 file put back, 1 newer one kept (--force replaces it).",
        "  into /c",
    ]


def test_a_dry_run_says_what_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    show_sets([MIXED], are="would be ")
    said = capsys.readouterr().out
    assert "1,200 files would be put back, 2 newer ones would be kept" in said
    assert "1 file would be left out" in said


def test_a_document_has_the_same_counts() -> None:
    assert sets_document([MIXED]) == {
        "session-files": {
            "into": "/data",
            "put_back": 1200,
            "same": 3,
            "newer_kept": 2,
            "blocked": 1,
        }
    }
