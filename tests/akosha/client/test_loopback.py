"""Whoever else listens on this machine gets neither memories nor token."""

from __future__ import annotations

import errno
import ipaddress
import socket

import pytest

from akosha_hook.akosha.client import loopback
from akosha_hook.errors import DeliveryError, Kind
from akosha_hook.util import listeners
from akosha_hook.util.listeners import Listener
from tests.akosha.client.conftest import OK, call, session_to
from tests.support.mcp_fake import FakeMcp
from tests.support.other_user import UID, attacker, free_port, needs_another_user
from tests.support.raw_http import raw_server, saying

TOKEN = {"AKOSHA_TOKEN": "top-secret-token"}


@pytest.fixture
def localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name stands for both addresses, as it does on most machines."""
    ask = socket.getaddrinfo

    def both(host: str, port: int, *rest: int) -> object:
        names = ["::1", "127.0.0.1"] if host == "localhost" else [host]
        return [each for name in names for each in ask(name, port, *rest)]

    monkeypatch.setattr(socket, "getaddrinfo", both)


@needs_another_user
@pytest.mark.parametrize(
    ("listens", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:{}"),
        ("127.0.0.1", "http://localhost:{}"),
        ("0.0.0.0", "http://127.0.0.1:{}"),
        ("127.0.0.9", "http://127.0.0.9:{}"),
        ("::1", "http://[::1]:{}"),
        ("::1", "http://localhost:{}"),
        ("::", "http://127.0.0.1:{}"),
        ("::ffff:127.0.0.1", "http://127.0.0.1:{}"),
    ],
)
@pytest.mark.usefixtures("localhost")
def test_another_users_listener_gets_nothing(listens: str, url: str) -> None:
    if ":" in listens and not socket.has_ipv6:
        pytest.skip("there is no IPv6 here")
    with attacker(listens, only_v6=listens == "::1") as other:
        with pytest.raises(DeliveryError) as caught:
            call(session_to(url.format(other.port), environ=TOKEN))
        assert other.heard() == b""
    assert caught.value.kind is Kind.DENIED
    assert f"uid {UID}" in caught.value.message
    assert str(other.port) in caught.value.message
    assert "akosha_http_url" in caught.value.hint


@needs_another_user
@pytest.mark.usefixtures("localhost")
def test_another_users_listener_beside_ours_gets_nothing() -> None:
    """Ours answers at 127.0.0.1; who asks for localhost might reach the other one."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),
        attacker("::1", port) as other,
    ):
        with pytest.raises(DeliveryError) as caught:
            call(session_to(f"http://localhost:{port}", environ=TOKEN))
        assert other.heard() == b""
    assert caught.value.kind is Kind.DENIED


@pytest.mark.usefixtures("localhost")
def test_our_own_listener_gets_what_it_is_to_get(fake: FakeMcp, url: str) -> None:
    assert call(session_to(url, environ=TOKEN)) == OK
    assert call(session_to(url.replace("127.0.0.1", "localhost"), environ=TOKEN)) == OK


def listener(uid: int, socket_: str = "1", address: str = "127.0.0.1") -> Listener:
    return Listener(uid, socket_, ipaddress.ip_address(address), 8682)


def looks(monkeypatch: pytest.MonkeyPatch, *looks: list[Listener]) -> None:
    """What each look at the listeners shows."""
    left = list(looks)
    monkeypatch.setattr(listeners, "listeners", lambda: left.pop(0))
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def test_one_that_takes_its_place_before_the_connection_stands_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks(monkeypatch, [listener(1000)], [listener(1001, "2")])
    confirm = loopback.guard(["127.0.0.1"], 8682)
    with pytest.raises(DeliveryError, match="uid 1001"):
        confirm("127.0.0.1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [listener(1000)]),
        ([listener(1000)], []),
        ([listener(1000, "1")], [listener(1000, "2")]),
    ],
    ids=["came", "left", "changed"],
)
def test_a_listener_that_was_not_there_all_the_time_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, before: list[Listener], after: list[Listener]
) -> None:
    """Between two that are ours, another user's may have taken the connection."""
    looks(monkeypatch, before, after)
    confirm = loopback.guard(["127.0.0.1"], 8682)
    with pytest.raises(ConnectionRefusedError) as caught:
        confirm("127.0.0.1")
    assert caught.value.errno == errno.ECONNREFUSED


def test_roots_listener_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, [listener(0)], [listener(0)])
    loopback.guard(["127.0.0.1"], 8682)("127.0.0.1")


def test_other_machines_are_not_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch)
    loopback.guard(["192.0.2.1", "2001:db8::1"], 443)("192.0.2.1")


def test_where_it_cannot_be_told_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot() -> list[Listener]:
        raise listeners.CannotTellError("/proc/net/tcp cannot be read")

    monkeypatch.setattr(listeners, "listeners", cannot)
    heard: list[bytes] = []
    with (
        raw_server(lambda connection: heard.append(connection.recv(1)), reads=False) as url,
        pytest.raises(DeliveryError, match="cannot be told") as caught,
    ):
        call(session_to(url, environ=TOKEN))
    assert caught.value.kind is Kind.DENIED
    assert heard == []


@needs_another_user
def test_a_name_that_stands_for_loopback_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    with attacker() as other:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", other.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        with pytest.raises(DeliveryError, match="belongs to another user"):
            call(session_to(f"http://akosha.test:{other.port}", environ=TOKEN))
        assert other.heard() == b""


def test_nobody_there_is_nobody_there() -> None:
    with raw_server(saying(b"")) as url:
        pass
    with pytest.raises(DeliveryError, match="unreachable"):
        call(session_to(url))
