"""Sizes, times and ETags as a server may give them."""

from __future__ import annotations

import datetime as dt

import pytest

from akosha_hook.stores.s3 import answers


@pytest.mark.parametrize(("value", "size"), [(None, 0), ("", 0), ("17", 17), (17, 17)])
def test_a_size(value: object, size: int) -> None:
    assert answers.size(value) == size


@pytest.mark.parametrize("value", ["-1", "many", "1e3", answers.MAX_OBJECT_BYTES + 1])
def test_a_size_that_no_object_has(value: object) -> None:
    with pytest.raises(ValueError, match=r"size|invalid literal"):
        answers.size(value)


@pytest.mark.parametrize(
    ("header", "total"),
    [("bytes 0-9/100", 100), ("bytes 0-9/*", None), ("bytes */100", None), ("", None)],
)
def test_the_size_of_the_object_that_a_range_is_of(header: str, total: int | None) -> None:
    assert answers.total({"Content-Range": header}) == total
    assert answers.total({}) is None


def test_a_time_is_in_epoch_seconds_and_0_where_it_cannot_be_one() -> None:
    assert answers.moment(dt.datetime(2026, 11, 22, tzinfo=dt.UTC)) == 1_795_305_600
    assert answers.moment(None) == 0
    assert answers.moment(dt.datetime(1, 1, 2, tzinfo=dt.UTC)) == 0


def test_an_etag_has_no_quotes() -> None:
    assert answers.etag('"abc-2"') == answers.etag("abc-2") == "abc-2"
    assert answers.etag(None) == ""


def test_what_has_to_be_there() -> None:
    assert answers.some("id", "upload id") == "id"
    with pytest.raises(ValueError, match="no upload id"):
        answers.some("", "upload id")
