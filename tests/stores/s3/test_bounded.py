"""HTTP as minio-py asks for it: in pieces, bounded, and over when the deadline is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import urllib3

from akosha_hook.errors import DeadlinePassedError
from akosha_hook.stores.s3.bounded import CONNECT_SECONDS, READ_SECONDS, BoundedHttp
from akosha_hook.util.retry import Deadline
from tests.support.passing import PassingTime, passing_time


@dataclass
class _Pool:
    """Where requests would leave; a server that takes `seconds` for every ten bytes."""

    passing: PassingTime
    seconds: float = 0.0
    timeouts: list[urllib3.Timeout] = field(default_factory=list)
    taken: int = 0

    def urlopen(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        self.timeouts.append(options["timeout"])
        while options["body"] and (piece := options["body"].read(10)):
            self.taken += len(piece)
            self.passing.sleep(self.seconds)
        return urllib3.HTTPResponse(status=200)


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """Deadlines come when the test sleeps."""
    return passing_time(monkeypatch, "akosha_hook.util.retry")


def _ask(pool: _Pool, deadline: Deadline, body: bytes | None = None) -> None:
    BoundedHttp(cast("urllib3.PoolManager", pool), deadline, None).urlopen("PUT", "/", body=body)


def test_no_request_may_take_longer_than_what_is_left_of_the_timeout(passing: PassingTime) -> None:
    pool = _Pool(passing)
    deadline = Deadline(900)
    _ask(pool, deadline)
    passing.sleep(893)
    _ask(pool, deadline)
    passing.sleep(7)
    with pytest.raises(DeadlinePassedError):
        _ask(pool, deadline)
    allowed = [(each.connect_timeout, each.read_timeout) for each in pool.timeouts]
    assert allowed[0] == (CONNECT_SECONDS, READ_SECONDS)
    assert all(isinstance(each, float) and each <= 7 for each in allowed[1])


def test_a_body_that_only_trickles_away_is_cut_when_the_timeout_is_over(
    passing: PassingTime,
) -> None:
    """Every single write succeeds in time."""
    pool = _Pool(passing, seconds=5)
    with pytest.raises(DeadlinePassedError):
        _ask(pool, Deadline(60), body=bytes(10_000))
    assert 10 <= pool.taken <= 120
