"""Sockets that end at a deadline. What a server can do about it: tests/security/test_deadlines.py."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from akosha_hook.errors import DeadlinePassedError
from akosha_hook.util.retry import Deadline
from akosha_hook.util.sockets import DeadlineContext, DeadlineSocket, DeadlineSSLSocket, Limit
from tests.support.passing import PassingTime, passing_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    return passing_time(monkeypatch, "akosha_hook.util.retry")


@pytest.fixture
def pair() -> Iterator[tuple[DeadlineSocket, socket.socket]]:
    one, other = socket.socketpair()
    with DeadlineSocket(fileno=one.detach()) as ours, other:
        yield ours, other


def test_no_call_gets_more_than_is_left(
    passing: PassingTime, pair: tuple[DeadlineSocket, socket.socket]
) -> None:
    ours, other = pair
    deadline = Deadline(100)
    ours.limit = Limit(lambda: deadline, "memories.test:443")
    ours.settimeout(60)
    other.sendall(b"abc")
    assert ours.recv(1) == b"a"
    assert ours.gettimeout() == 60
    passing.sleep(90)
    assert ours.recv(1) == b"b"
    left = ours.gettimeout()
    assert left is not None
    assert left <= 10


@pytest.mark.parametrize(
    "call",
    [
        lambda each: each.recv(1),
        lambda each: each.recv_into(bytearray(1)),
        lambda each: each.send(b"x"),
        lambda each: each.sendall(b"x"),
        lambda each: each.connect(("127.0.0.1", 1)),
    ],
)
def test_after_the_deadline_no_call_is_begun(
    passing: PassingTime,
    pair: tuple[DeadlineSocket, socket.socket],
    call: Callable[[DeadlineSocket], object],
) -> None:
    ours, other = pair
    deadline = Deadline(5)
    ours.limit = Limit(lambda: deadline, "memories.test:443")
    other.sendall(b"x")
    passing.sleep(5)
    with pytest.raises(DeadlinePassedError, match=r"waiting for memories\.test:443"):
        call(ours)


def test_its_own_timeout_is_no_deadline(pair: tuple[DeadlineSocket, socket.socket]) -> None:
    ours, _ = pair
    deadline = Deadline(60)
    ours.limit = Limit(lambda: deadline, "")
    ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        ours.recv(1)


def test_the_deadline_in_force_is_asked_for_anew(
    pair: tuple[DeadlineSocket, socket.socket],
) -> None:
    ours, other = pair
    deadlines = [Deadline(0), Deadline(60)]
    ours.limit = Limit(lambda: deadlines[-1], "")
    other.sendall(b"x")
    assert ours.recv(1) == b"x"
    deadlines.pop()
    with pytest.raises(DeadlinePassedError):
        ours.recv(1)


def test_a_context_makes_sockets_that_end_with_it() -> None:
    assert DeadlineContext(ssl.PROTOCOL_TLS_CLIENT).sslsocket_class is DeadlineSSLSocket
