"""Times as users type them."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from akosha_hook.cli.when import When, local


def convert(text: str, *, end_of_day: bool = False) -> dt.datetime:
    return When(end_of_day=end_of_day).convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5_400), ("12h", 43_200), ("3d", 259_200), ("2 w", 1_209_600)]
)
def test_an_age_counts_back_from_now(text: str, seconds: int) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    moment = convert(text)
    after = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    assert before <= moment <= after


def test_a_date_is_its_beginning_or_its_end() -> None:
    begins = convert("2026-11-22")
    ends = convert("2026-11-22", end_of_day=True)
    assert local(begins) == "2026-11-22 00:00"
    assert local(ends) == "2026-11-22 23:59"
    assert convert("2026-11-22 14:30", end_of_day=True) == convert("2026-11-22 14:30")


def test_an_offset_is_respected_and_local_time_is_assumed_without_one() -> None:
    assert convert("2026-11-22T12:00:00+02:00") == dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
    assert convert("2026-11-22 14:30").tzinfo is not None


@pytest.mark.parametrize("text", ["", "soon", "3y", "2026-13-01", "999999w", "-3d", "12"])
def test_what_is_not_a_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time; use 2026-11-22"):
        convert(text)


def test_a_time_stays_what_it_is() -> None:
    when = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    assert When().convert(when, None, None) is when
