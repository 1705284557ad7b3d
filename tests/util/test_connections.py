"""Pools whose connections end at a deadline, and go only where the guard lets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from urllib3.exceptions import NameResolutionError, NewConnectionError

from akosha_hook.util.http import pool
from tests.support.raw_http import raw_server, saying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class ForbiddenError(Exception):
    pass


def test_the_guard_is_asked_before_and_after_connecting() -> None:
    asked: list[object] = []

    def guard(addresses: Sequence[str], port: int) -> Callable[[str], None]:
        asked.append((tuple(addresses), port))
        return asked.append

    with raw_server(saying(OK)) as url:
        port = int(url.rpartition(":")[2])
        assert pool("", {}, url=url, guard=guard).request("GET", url).data == b"ok"
    assert asked == [(("127.0.0.1",), port), "127.0.0.1"]


@pytest.mark.parametrize("connected", [False, True])
def test_where_the_guard_refuses_nothing_is_sent(connected: bool) -> None:
    heard: list[bytes] = []

    def refuse(*_: object) -> None:
        raise ForbiddenError

    def guard(addresses: Sequence[str], port: int) -> Callable[[str], None]:
        if not connected:
            refuse()
        return refuse

    with (
        raw_server(lambda connection: heard.append(connection.recv(1)), reads=False) as url,
        pytest.raises(ForbiddenError),
    ):
        pool("", {}, url=url, guard=guard).request("GET", url)
    assert not any(heard)


def test_errors_are_urllib3s_own() -> None:
    client = pool("", {}, url="http://memories.test", connect_seconds=60)
    with pytest.raises(NameResolutionError):
        client.request("GET", "http://memories.invalid/")
    with pytest.raises(NewConnectionError):
        client.request("GET", "http://127.0.0.1:1/")
