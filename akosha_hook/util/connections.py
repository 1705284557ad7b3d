"""urllib3's connection pools over sockets that end at a deadline."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util.connection import allowed_gai_family

from akosha_hook.util.sockets import DeadlineSocket, Limit

if TYPE_CHECKING:
    import urllib3

# Asked with every address that a host name stands for, and the port, before any is connected to;
# what it returns is asked again with the one that was. Either raises where nothing may be sent.
Guard = Callable[[Sequence[str], int], Callable[[str], None]]


def bind(manager: urllib3.PoolManager, limit: Limit, guard: Guard | None) -> None:
    """Make every connection of `manager` end at `limit`, and ask `guard` first."""
    manager.pool_classes_by_scheme = {
        scheme: functools.partial(kind, limit=limit, guard=guard)  # type: ignore[misc]
        for scheme, kind in (("http", _Pool), ("https", _TlsPool))
    }


class _Connection(HTTPConnection):
    limit: Limit
    guard: Guard | None = None

    def _new_conn(self) -> socket.socket:
        """As urllib3's own, whose errors it raises, over a socket of ours."""
        try:
            return self._connected()
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise LocationParseError(f"{self.host!r}, label empty or too long") from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from error
        except OSError as error:
            raise NewConnectionError(self, f"Failed to connect: {error}") from error

    def _connected(self) -> DeadlineSocket:
        self.limit.remaining()
        host = self._dns_host.strip("[]")
        found = socket.getaddrinfo(host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        confirm = None
        if self.guard is not None:
            confirm = self.guard([str(each[4][0]) for each in found], self.port or 0)
        problem: OSError = OSError("the host name stands for no address")
        for family, kind, protocol, _, address in found:
            connection = DeadlineSocket(family, kind, protocol)
            try:
                self._prepare(connection)
                connection.connect(address)
                if confirm is not None:
                    confirm(str(address[0]))
            except OSError as error:
                connection.close()
                problem = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise problem

    def _prepare(self, connection: DeadlineSocket) -> None:
        connection.limit = self.limit
        for option in self.socket_options or ():
            connection.setsockopt(*option)
        if self.timeout is None or isinstance(self.timeout, int | float):
            connection.settimeout(self.timeout)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def __init__(self, *arguments: Any, limit: Limit, guard: Guard | None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limit = limit
        self._guard = guard

    def _new_conn(self) -> Any:
        connection = super()._new_conn()
        assert isinstance(connection, _Connection)
        connection.limit = self._limit
        connection.guard = self._guard
        return connection


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
