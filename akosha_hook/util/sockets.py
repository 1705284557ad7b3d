"""Sockets that end at a deadline.

A socket's own timeout is one for each call: a server that sends a byte now and then never runs into
it. Here every call gets no more time than is left of the whole, and none is begun after that.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from akosha_hook.errors import DeadlinePassedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.util.retry import Deadline

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limit:
    """Until when a server (`host:port`, for messages) may take; asked anew before every call."""

    deadline: Callable[[], Deadline]
    server: str

    def remaining(self) -> float:
        """Seconds left, never 0: raises DeadlinePassedError instead."""
        left = self.deadline().remaining
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> DeadlinePassedError:
        return DeadlinePassedError(self.deadline().seconds, self.server)


class DeadlineSocket(socket.socket):
    """A socket whose calls together end at its `limit`, by DeadlinePassedError.

    Within one call CPython itself keeps to the timeout as a whole, also while it sends a buffer in
    pieces or shakes hands over TLS.
    """

    limit: Limit | None = None
    _own_timeout: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        self._own_timeout = value
        super().settimeout(value)

    def _in_force(self) -> Limit | None:
        return self.limit

    def _in_time(self, call: Callable[[], T]) -> T:
        limit = self._in_force()
        if limit is None:
            return call()
        left, own = limit.remaining(), self._own_timeout
        if own is not None and own < left:
            super().settimeout(own)
            return call()
        super().settimeout(left)
        try:
            return call()
        except TimeoutError as error:
            raise limit.passed() from error

    def connect(self, address: Any, /) -> None:
        self._in_time(lambda: super(DeadlineSocket, self).connect(address))

    def recv(self, *arguments: Any) -> bytes:
        return self._in_time(lambda: super(DeadlineSocket, self).recv(*arguments))

    def recv_into(self, *arguments: Any) -> int:
        return self._in_time(lambda: super(DeadlineSocket, self).recv_into(*arguments))

    def send(self, *arguments: Any) -> int:
        return self._in_time(lambda: super(DeadlineSocket, self).send(*arguments))

    def sendall(self, *arguments: Any) -> None:
        self._in_time(lambda: super(DeadlineSocket, self).sendall(*arguments))


class DeadlineContext(ssl.SSLContext):
    """A TLS context whose sockets end at its `limit`, handshake included."""

    limit: Limit | None = None

    def __init__(self, *_: Any) -> None:
        self.sslsocket_class = DeadlineSSLSocket


class DeadlineSSLSocket(DeadlineSocket, ssl.SSLSocket):
    """What a DeadlineContext wraps a socket in."""

    def _in_force(self) -> Limit | None:
        context = self.context
        return context.limit if isinstance(context, DeadlineContext) else None

    def do_handshake(self, block: bool = False) -> None:
        self._in_time(lambda: super(DeadlineSSLSocket, self).do_handshake(block))
