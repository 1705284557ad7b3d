"""One line that the next session start shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from akosha_hook.state import notice

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_a_notice_is_one_line_of_hook_output(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    notice.leave(paths, "two\nlines")
    text = paths.notice.read_text()
    assert text.count("\n") == 1
    assert json.loads(text) == {"systemMessage": "two\nlines"}


def test_the_same_notice_is_not_written_again(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    notice.leave(paths, "broken")
    before = paths.notice.stat()
    notice.leave(paths, "broken")
    assert paths.notice.stat().st_ino == before.st_ino
    notice.leave(paths, "broken otherwise")
    assert "otherwise" in paths.notice.read_text()


def test_clearing_removes_it_and_clearing_again_is_fine(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    notice.leave(paths, "broken")
    notice.clear(paths)
    notice.clear(paths)
    assert not paths.notice.exists()


def test_where_it_cannot_be_written_nothing_is_raised(paths: Paths) -> None:
    notice.leave(paths, "there is no state directory")
    assert not paths.state.exists()
