"""A deadline, backoff with jitter, and a loop that retries what is worth retrying."""

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from akosha_hook.errors import DeadlinePassedError, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

MAX_DELAY_SECONDS = 60.0


@dataclass(slots=True)
class Deadline:
    """A moment on the monotonic clock by which everything under it has to be done.

    Everybody who works towards it shares one object: a pause moves it for all of them.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.started + self.seconds - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.remaining <= 0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What passes inside the block does not count; no request may be under way meanwhile."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.started += time.monotonic() - began


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently, all under one deadline.

    `on_retry(error, attempt, delay_seconds)` is told before every wait. `wait` sleeps; tests and
    cancellation may bring their own.
    """

    max_retries: int
    backoff_seconds: float
    deadline: Deadline
    on_retry: Callable[[DeliveryError, int, float], None] | None = None
    wait: Callable[[float], None] = time.sleep

    def delay(self, attempt: int) -> float:
        """Seconds before retry number `attempt` (from 0): doubling, with full jitter's upper half."""
        longest = min(MAX_DELAY_SECONDS, self.backoff_seconds * 2.0**attempt)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not cryptography

    def call(self, request: Callable[[], T]) -> T:
        """Run `request` until it succeeds, fails for good, or retries or time run out.

        `request` raises DeliveryError. Raises its last error, or DeadlinePassedError where the
        next wait would cross the deadline.
        """
        attempt = 0
        while True:
            if self.deadline.passed:
                raise DeadlinePassedError(self.deadline.seconds)
            try:
                return request()
            except DeliveryError as error:
                if not error.retryable or isinstance(error, DeadlinePassedError):
                    raise
                if self.deadline.passed:
                    raise DeadlinePassedError(self.deadline.seconds) from error
                if attempt >= self.max_retries:
                    raise
                delay = self.delay(attempt)
                if delay >= self.deadline.remaining:
                    raise DeadlinePassedError(self.deadline.seconds) from error
                if self.on_retry is not None:
                    self.on_retry(error, attempt + 1, delay)
                self.wait(delay)
                attempt += 1
