from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.hook.event import (
    EVENTS,
    MAX_HEADER_BYTES,
    epoch_of,
    file_name,
    header,
    parse_header,
)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_file_name_tells_its_epoch(name: str) -> None:
    assert epoch_of(file_name(1_700_000_000, 42, name)) == 1_700_000_000


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".event",
        "1-2-post-commit",
        "1-2-pre-commit.event",
        "-2-post-commit.event",
        "1--post-commit.event",
        "١-2-post-commit.event",
        "999999999999-2-post-commit.event",
        "1-2-post-commit.event.corrupt",
    ],
)
def test_a_name_that_is_no_event_has_no_epoch(name: str) -> None:
    assert epoch_of(name) is None


@pytest.mark.parametrize("directory", ["/srv/a b", "/-rf", "/\x1b[31m", "/\udcff"])
def test_a_header_gives_back_the_directory(directory: str) -> None:
    assert parse_header(header("post-commit", Path(directory)) + b"more") == (
        "post-commit",
        Path(directory),
    )


@pytest.mark.parametrize("directory", [None, Path("/two\nlines")])
def test_a_directory_that_does_not_fit_a_line_is_left_out(directory: Path | None) -> None:
    assert parse_header(header("post-commit", directory)) == ("post-commit", None)


def test_a_directory_that_is_not_absolute_means_nothing_elsewhere() -> None:
    assert parse_header(b"session-end\nsrc\n{}") == ("session-end", None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"post-commit",
        b"post-commit\n/srv",
        b"pre-commit\n/srv\n",
        b"post-commit\r\n/srv\r\n",
        b"\xff\xfe\n/srv\n",
        b"post-commit\n/srv\0x\n",
        b"post-commit\n/" + b"x" * MAX_HEADER_BYTES + b"\n",
    ],
)
def test_other_content_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_header(data)
