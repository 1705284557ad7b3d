from __future__ import annotations

from pathlib import Path

import pytest

from akosha_hook.hook.event import Event
from akosha_hook.paths import Paths
from akosha_hook.settings.repository import RepositoryRules
from akosha_hook.state.receipt import Receipt, Target
from akosha_hook.state.receipts import Receipts
from akosha_hook.worker.schedule import Plan, last_upload, plan

NOW = 1_000_000.0
FREE = RepositoryRules(
    upload_on_session_end=True, upload_on_commit=True, min_interval_seconds=900, ignored=()
)


def event(name: str, epoch: float = NOW - 5) -> Event:
    return Event(name, int(epoch), None, Path(name))


def planned(
    *events: Event,
    rules: RepositoryRules = FREE,
    last: float = 0.0,
    not_before: float = 0.0,
) -> Plan:
    return plan(
        events,
        lambda _: rules,
        now=NOW,
        last_upload=last,
        not_before=not_before,
    )


def test_a_first_event_is_due_at_once() -> None:
    assert planned(event("post-commit")).due == NOW - 5


def test_a_commit_waits_for_the_interval_after_the_last_upload() -> None:
    assert planned(event("post-commit"), last=NOW - 100).due == NOW + 800


def test_a_session_end_is_held_back_only_thirty_seconds() -> None:
    assert planned(event("session-end"), last=NOW - 10).due == NOW + 20


def test_the_earliest_of_several_events_decides() -> None:
    both = planned(event("post-commit"), event("session-end"), last=NOW - 10)
    assert both.due == NOW + 20
    assert len(both.wanted) == 2


def test_a_manual_event_ignores_the_interval() -> None:
    due = planned(event("manual"), last=NOW - 1).due
    assert due is not None
    assert due <= NOW


def test_backoff_holds_everything_back() -> None:
    assert planned(event("session-end"), not_before=NOW + 60).due == NOW + 60


def test_a_plan_says_whether_a_backoff_or_an_interval_holds_it_back() -> None:
    assert planned(event("post-commit"), not_before=NOW + 60).backs_off
    assert planned(event("post-commit"), last=NOW - 10, not_before=NOW + 60).backs_off is False
    assert planned(event("post-commit")).backs_off is False


@pytest.mark.parametrize("name", ["session-end", "session-start", "post-commit", "post-rewrite"])
def test_a_disabled_event_is_ignored(name: str) -> None:
    off = RepositoryRules(
        upload_on_session_end=False, upload_on_commit=False, min_interval_seconds=900, ignored=()
    )
    decided = planned(event(name), rules=off)
    assert decided.due is None
    assert [each.name for each in decided.ignored] == [name]


def test_a_repository_may_turn_its_own_events_off() -> None:
    off = RepositoryRules(
        upload_on_session_end=True, upload_on_commit=False, min_interval_seconds=0, ignored=()
    )
    assert planned(event("post-commit"), rules=off).due is None
    assert planned(event("session-end"), rules=off).due is not None


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    ahead = event("post-commit", NOW + 50_000)
    assert planned(ahead, last=NOW + 40_000).due == NOW


def stored(paths: Paths, started: str, *, success: bool = True) -> None:
    Receipts(paths).save(
        Receipt(
            upload_id=started.replace("-", "").replace(":", ""),
            state="done",
            method="cloud",
            success=success,
            system_id="vm",
            started=started,
            destination=Target(method="cloud", endpoint=""),
        ),
    )


def test_the_interval_counts_from_the_last_success_that_the_clock_has_reached(
    paths: Paths,
) -> None:
    """An upload of next year was made before the clock was set back, and holds nothing up."""
    assert last_upload(Receipts(paths), now=NOW) == 0.0
    stored(paths, "1970-01-12T13:00:00+00:00")
    stored(paths, "1970-01-12T13:30:00+00:00", success=False)
    assert last_upload(Receipts(paths), now=NOW) == NOW - 2800
    stored(paths, "1971-01-12T13:45:00+00:00")
    assert last_upload(Receipts(paths), now=NOW) == NOW - 2800
