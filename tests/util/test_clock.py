"""Times are written in UTC, and only plausible ones are read."""

from __future__ import annotations

import time

import pytest

from akosha_hook.util import clock


def test_what_is_written_is_read() -> None:
    before = time.time() - 0.001
    assert before <= clock.epoch(clock.now_iso()) <= time.time()
    assert len(clock.stamp()) == len("20260102_030405")


def test_a_time_without_a_zone_is_utc() -> None:
    assert clock.epoch("1970-01-02T00:00:00") == 86_400
    assert clock.epoch("1970-01-02T01:00:00+01:00") == 86_400


@pytest.mark.parametrize(
    "text", ["", "yesterday", "1969-12-31T23:59:59", "3000-01-01", "0001-01-01"]
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        clock.epoch(text)


def test_a_minute_is_for_people() -> None:
    assert clock.minute("2026-11-20T15:03:59.123+01:00") == "2026-11-20 14:03 UTC"
    assert clock.minute("some time") == "some time"
