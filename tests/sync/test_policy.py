"""How patiently an upload is tried, by the settings."""

from __future__ import annotations

from akosha_hook.errors import DeliveryError
from akosha_hook.settings import Settings
from akosha_hook.sync.policy import upload_policy


def test_retries_delays_and_deadline_are_those_of_the_settings() -> None:
    settings = Settings(
        akosha_max_retries=7, akosha_retry_backoff_seconds=3.5, akosha_upload_timeout_seconds=60
    )
    policy = upload_policy(settings)
    assert (policy.max_retries, policy.backoff_seconds) == (7, 3.5)
    assert policy.deadline.seconds == 60
    assert 0 < policy.deadline.remaining <= 60


def test_the_deadline_of_each_delivery_begins_anew() -> None:
    first, second = upload_policy(Settings()), upload_policy(Settings())
    assert second.deadline.started >= first.deadline.started


def test_every_retry_is_reported() -> None:
    reported: list[int] = []
    settings = Settings(akosha_max_retries=2, akosha_retry_backoff_seconds=0)
    policy = upload_policy(settings, lambda _error, attempt, _delay: reported.append(attempt))

    def fail() -> None:
        raise DeliveryError("no", retryable=True)

    try:
        policy.call(fail)
    except DeliveryError:
        assert reported == [1, 2]
    else:
        raise AssertionError
