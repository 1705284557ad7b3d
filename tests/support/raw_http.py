"""A server that sends exactly the bytes a test gives it, or breaks the connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Turn = Callable[[socket.socket], None]
HEAD_END = b"\r\n\r\n"


@contextlib.contextmanager
def raw_server(*turns: Turn, reads: bool = True) -> Iterator[str]:
    """The URL of a server that gives each connection, in order, to the next of `turns`.

    The request was read by then, unless it is not to be: over TLS it cannot. After the last turn
    connections are closed at once.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for turn in turns:
                with contextlib.suppress(OSError):
                    connection, _ = listening.accept()
                    with connection:
                        if reads:
                            read_request(connection)
                        turn(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=60)


def read_request(connection: socket.socket) -> bytes:
    """One request with its body."""
    data = b""
    while HEAD_END not in data:
        received = connection.recv(65536)
        if not received:
            return data
        data += received
    head, body = data.split(HEAD_END, 1)
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + HEAD_END + body


def reset(connection: socket.socket) -> None:
    """Break the connection without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def saying(data: bytes) -> Turn:
    return lambda connection: connection.sendall(data)


def dripping(data: bytes, drop: bytes = b" ") -> Turn:
    """Send `data`, and then `drop` whenever the other side has waited a moment, for ever."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.settimeout(0.02)
        while True:
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                connection.sendall(drop)

    return drip


def holding(data: bytes) -> Turn:
    """Send `data` and keep the connection open until the other side closes it."""

    def hold(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.recv(1)

    return hold
