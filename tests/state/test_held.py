from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from akosha_hook.state import held

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_the_last_one_is_remembered_until_the_user_has_seen_it(paths: Paths) -> None:
    assert held.last(paths) is None
    held.clear(paths)
    held.remember(paths, "first")
    held.remember(paths, "second")
    last = held.last(paths)
    assert last is not None
    assert last.message == "second"
    assert dt.datetime.fromisoformat(last.at).tzinfo is not None
    held.clear(paths)
    assert held.last(paths) is None


def test_what_cannot_be_written_stops_nothing(paths: Paths) -> None:
    paths.claude.mkdir()
    paths.state.write_text("")
    held.remember(paths, "lost")
    paths.state.unlink()
    assert held.last(paths) is None
