"""Which waiting events want a sync, and when it is due."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.hook.event import REPOSITORY_EVENTS, SESSION_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from akosha_hook.hook.event import Event
    from akosha_hook.settings.repository import RepositoryRules
    from akosha_hook.state.receipts import Receipts

# A loop of `claude -p` ends a session every few seconds.
SESSION_INTERVAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`ignored` events ask for nothing; `due` (epoch seconds) is None when none is left.

    `backs_off` says that it is the destination's backoff, not an interval, that sets `due`.
    """

    wanted: tuple[Event, ...]
    ignored: tuple[Event, ...]
    due: float | None
    backs_off: bool = False


def plan(
    events: Iterable[Event],
    rules_of: Callable[[Path | None], RepositoryRules],
    *,
    now: float,
    last_upload: float,
    not_before: float,
) -> Plan:
    """When the first of `events` is due; `rules_of` gives the rules of an event's directory.

    `last_upload` is when the last successful upload began and `not_before` the destination's
    backoff, both epoch seconds. A time ahead of `now` is a clock that was set back.
    """
    last = last_upload if last_upload <= now else 0.0
    wanted: list[Event] = []
    ignored: list[Event] = []
    moments: list[float] = []
    for event in events:
        wait = _interval(event, rules_of(event.directory))
        if wait is None:
            ignored.append(event)
            continue
        wanted.append(event)
        moments.append(max(min(event.epoch, now), last + wait))
    due = max(min(moments), not_before) if moments else None
    return Plan(tuple(wanted), tuple(ignored), due, backs_off=due == not_before)


def _interval(event: Event, rules: RepositoryRules) -> float | None:
    """Least seconds between the last upload and the one for `event`; None where it is off."""
    if event.name in SESSION_EVENTS:
        return SESSION_INTERVAL_SECONDS if rules.upload_on_session_end else None
    if event.name in REPOSITORY_EVENTS:
        return float(rules.min_interval_seconds) if rules.upload_on_commit else None
    return 0.0


def last_upload(receipts: Receipts, *, now: float) -> float:
    """When the last successful upload began, in epoch seconds; 0 when there was none.

    One ahead of `now` was made before the clock was set back, and says nothing.
    """
    for each in receipts.newest_first():
        if each.success and each.method == "cloud":
            # A receipt that somebody else has written in may say anything.
            with contextlib.suppress(ValueError, OverflowError):
                began = dt.datetime.fromisoformat(each.started).timestamp()
                if began <= now:
                    return began
    return 0.0
