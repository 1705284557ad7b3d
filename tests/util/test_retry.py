from __future__ import annotations

import pytest

from akosha_hook.errors import DeadlinePassedError, DeliveryError
from akosha_hook.util.retry import Deadline, RetryPolicy
from tests.support.passing import passing_time


def failing(times: int, *, retryable: bool = True) -> object:
    left = [times]

    def request() -> str:
        if left[0]:
            left[0] -= 1
            raise DeliveryError("no", code="SlowDown", retryable=retryable)
        return "done"

    return request


def policy(waits: list[float], *, retries: int = 3, seconds: float = 60) -> RetryPolicy:
    return RetryPolicy(retries, 2.0, Deadline(seconds), wait=waits.append)


def test_a_passing_failure_is_retried_with_growing_delays() -> None:
    waits: list[float] = []
    assert policy(waits).call(failing(3)) == "done"  # type: ignore[arg-type]
    assert len(waits) == 3
    assert 1 <= waits[0] <= 2 <= waits[1] <= 4 <= waits[2] <= 8


def test_a_lasting_failure_is_not_retried() -> None:
    waits: list[float] = []
    with pytest.raises(DeliveryError, match="no"):
        policy(waits).call(failing(1, retryable=False))  # type: ignore[arg-type]
    assert waits == []


def test_retries_are_counted() -> None:
    waits: list[float] = []
    with pytest.raises(DeliveryError, match="no"):
        policy(waits, retries=2).call(failing(3))  # type: ignore[arg-type]
    assert len(waits) == 2


def test_a_wait_that_would_cross_the_deadline_ends_it() -> None:
    waits: list[float] = []
    with pytest.raises(DeadlinePassedError) as caught:
        policy(waits, seconds=0.5).call(failing(1))  # type: ignore[arg-type]
    assert waits == []
    assert caught.value.retryable


def test_what_passes_while_it_is_paused_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = passing_time(monkeypatch, "akosha_hook.util.retry")
    deadline = Deadline(60)
    shared = RetryPolicy(0, 0.0, deadline)
    with deadline.paused():
        passing.sleep(3600)
    assert shared.call(lambda: "done") == "done"
    passing.sleep(61)
    assert deadline.passed
