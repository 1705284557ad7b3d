"""Sizes, ages and labelled lines."""

from __future__ import annotations

import json
import os
import time

import pytest

from akosha_hook.cli import screen
from akosha_hook.cli.screen import LABEL_WIDTH, Line, Tone

LINES = [("Backup", [Line("on", Tone.OK), Line("off", Tone.PROBLEM)]), ("Now", [Line("idle")])]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (45_400_000, "45.4 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes_are_in_powers_of_1000(count: int, shown: str) -> None:
    assert screen.size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.84, "0.8 s"), (59, "59 s"), (180, "3 min"), (18_000, "5 h"), (200_000, "2 days")],
)
def test_durations_have_one_unit(seconds: float, shown: str) -> None:
    assert screen.duration(seconds) == shown


def test_ages_and_clocks_that_were_set_back() -> None:
    now = time.time()
    assert screen.age(now + 3600) == "just now"
    assert screen.age(now - 7_200) == "2 h ago"


def test_counted_things_have_their_plural() -> None:
    assert screen.counted(1, "upload") == "1 upload"
    assert screen.counted(0, "upload") == "0 uploads"
    assert screen.counted(2, "retry", "retries") == "2 retries"


def test_in_a_pipe_lines_are_aligned_below_their_label(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show(LINES)
    indent = " " * LABEL_WIDTH
    assert capsys.readouterr().out == (
        f"{'Backup':<{LABEL_WIDTH}}on\n{indent}off\n{'Now':<{LABEL_WIDTH}}idle\n"
    )


def test_in_a_pipe_tones_can_be_words(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show(LINES, words=True)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.split() == ["Backup", "ok", "on"]
    assert second.split() == ["problem", "off"]
    assert third.split() == ["Now", "idle"]


def test_every_label_of_the_status_view_fits() -> None:
    assert len("Last verified") < LABEL_WIDTH


def test_text_is_escaped_on_one_line_and_the_home_is_short() -> None:
    home = os.environ["HOME"]
    assert screen.shown(f"{home}/x\ny\x1b") == "~/x y\\x1b"


def test_json_is_readable_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_json({"name": "Übergröße", "path": os.curdir})
    out = capsys.readouterr().out
    assert "Übergröße" in out
    assert json.loads(out) == {"name": "Übergröße", "path": os.curdir}
