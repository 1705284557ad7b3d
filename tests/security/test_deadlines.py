"""A server that dribbles: every single byte is in time, and the request ends all the same."""

from __future__ import annotations

import os
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from akosha_hook.errors import CredentialsError, DeadlinePassedError, Kind
from akosha_hook.hook import outbox
from akosha_hook.settings.fields import Settings
from akosha_hook.stores.credentials import resolve, role
from akosha_hook.util.http import pool
from akosha_hook.util.retry import Deadline
from tests.akosha.client.conftest import call, session_to
from tests.support.duck import make_databases
from tests.support.home import Home
from tests.support.raw_http import HEAD_END, Turn, dripping, raw_server
from tests.support.s3_client import open_plain
from tests.support.tls import write_ca
from tests.support.waiting import until

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from akosha_hook.paths import Paths

SECONDS = 0.5
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = CHUNKED.replace(b"application/xml", b"text/event-stream")
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n"
# The beginning of a ServerHello of 16 KB: version 1.2, and zero bytes as random numbers.
HELLO = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03"
TURNS = {
    "status line": dripping(b"HTTP/1.1 200 O", b"K"),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "headers without end": dripping(b"HTTP/1.1 200 OK\r\nX-Slow: a\r\n", b"X"),
    "100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunk extension": dripping(CHUNKED + b"5;name=", b"a"),
    "chunks": dripping(CHUNKED, b"1\r\n \r\n"),
    "trailers": dripping(CHUNKED + b"0\r\n", b"X: y\r\n"),
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b" "),
    "events": dripping(EVENTS, b"8\r\n: ping\n\n\r\n"),
}


@pytest.fixture(params=list(TURNS.values()), ids=list(TURNS))
def slow(request: pytest.FixtureRequest) -> Iterator[str]:
    with raw_server(request.param) as url:
        yield url


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    ours = [each for each in threading.enumerate() if each not in before and not each.daemon]
    assert ours == []


def server_in(url: str) -> str:
    return url.partition("//")[2]


@pytest.mark.parametrize(
    "request_",
    [
        lambda client: client.put("systems/k", b"x", {}),
        lambda client: list(client.objects("systems/")),
        lambda client: client.get_range("systems/k", 0, 100_000),
    ],
    ids=["put", "list", "get"],
)
def test_a_request_to_a_bucket_ends_at_the_deadline(
    slow: str, request_: Callable[[object], object]
) -> None:
    with pytest.raises(DeadlinePassedError) as caught:
        request_(open_plain(slow, seconds=SECONDS))
    assert caught.value.kind is Kind.TIMED_OUT


def test_a_request_to_akosha_ends_at_the_deadline(slow: str) -> None:
    with pytest.raises(DeadlinePassedError):
        call(session_to(slow, seconds=SECONDS))


def test_the_message_names_host_and_port() -> None:
    with raw_server(TURNS["header"]) as url, pytest.raises(DeadlinePassedError) as caught:
        open_plain(url, seconds=SECONDS).put("systems/k", b"x", {})
    assert server_in(url) in caught.value.message


def test_a_request_for_a_roles_keys_ends_at_its_deadline(
    slow: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role, "SECONDS", SECONDS)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{slow}/role")
    with pytest.raises(CredentialsError) as caught:
        resolve(Settings(akosha_use_instance_role=True), os.environ, home=home)
    assert caught.value.kind is Kind.TIMED_OUT
    assert server_in(slow) in caught.value.message


def ask(url: str, *, ca: Path | None = None, proxy: str = "") -> None:
    deadline = Deadline(SECONDS)
    environ = {"https_proxy": proxy} if proxy else {}
    client = pool(str(ca or ""), environ, url=url, deadline=lambda: deadline)
    client.request("GET", url)


def test_a_slow_tls_handshake_ends_at_the_deadline() -> None:
    with raw_server(dripping(HELLO, b"\0"), reads=False) as url, pytest.raises(DeadlinePassedError):
        ask(url.replace("http:", "https:"))


def slow_server_behind(connection: socket.socket) -> None:
    """The proxy is done; what it leads to is slow at its handshake."""
    connection.sendall(ESTABLISHED + b"\r\n")
    connection.recv(10_000)
    dripping(HELLO, b"\0")(connection)


@pytest.mark.parametrize(
    "turn",
    [
        dripping(ESTABLISHED, b"X: y\r\n"),
        dripping(ESTABLISHED + b"X: ", b"y"),
        slow_server_behind,
    ],
    ids=["headers", "header", "handshake behind it"],
)
def test_a_slow_proxy_ends_at_the_deadline(turn: Turn) -> None:
    with raw_server(turn) as proxy, pytest.raises(DeadlinePassedError):
        ask("https://memories.test/", proxy=proxy)


@pytest.mark.parametrize("behind", [False, True], ids=["CONNECT", "handshake behind it"])
def test_a_slow_proxy_over_tls_ends_at_the_deadline(behind: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    drip = slow_server_behind if behind else dripping(ESTABLISHED, b"X: y\r\n")

    def turn(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            request = b""
            while HEAD_END not in request:
                request += inside.recv(1000)
            drip(inside)

    ca = write_ca(authority, tmp_path / "ca.pem")
    with raw_server(turn, reads=False) as url, pytest.raises(DeadlinePassedError):
        ask("https://memories.test/", ca=ca, proxy=url.replace("http:", "https:"))


def test_what_is_read_over_tls_ends_at_the_deadline(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def turn(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            inside.recv(10_000)
            TURNS["header"](inside)

    ca = write_ca(authority, tmp_path / "ca.pem")
    with raw_server(turn, reads=False) as url, pytest.raises(DeadlinePassedError):
        ask(url.replace("http:", "https:"), ca=ca)


def test_a_host_name_with_many_dead_addresses_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each address may take the connect timeout; all of them may not take many times that."""
    import socket

    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listening.getsockname()[1]
    # Fill the queue: from now on, connecting takes until the timeout.
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(("127.0.0.1", port))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))] * 1000
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    try:
        with pytest.raises(DeadlinePassedError):
            ask(f"http://memories.test:{port}/")
    finally:
        for each in (*waiting, listening):
            each.close()


def test_the_worker_backs_off_from_a_dribbling_server_and_status_says_so(paths: Paths) -> None:
    make_databases(paths.data, conversations=3)
    with raw_server(TURNS["header"]) as url:
        home = Home(paths)
        home.configure(
            akosha_cloud_bucket="memories",
            akosha_cloud_endpoint=url.rstrip("/"),
            akosha_enable_fallback=False,
            akosha_upload_timeout_seconds=2,
        )
        outbox.record(paths, "post-commit", None, b"")
        keys = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "secret-of-mine"}
        worker = home.start_worker(**keys)
        until(paths.backoff.exists, "the worker backs off")
        shown = home.akosha_hook("status", **keys).stdout
        worker.terminate()
        worker.wait()
    server = url.removeprefix("http://").rstrip("/")
    assert f"Upload timed out after 2 s. It was waiting for {server}." in shown
    assert "1 waiting: post-commit" in shown
    assert "next sync in" in shown or "next try in" in shown
    assert [each.name for each in outbox.waiting(paths)] == ["post-commit"]
    notice = paths.notice.read_text()
    assert "Upload timed out after 2 s" in notice
