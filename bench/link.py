"""A TCP link on loopback that counts what goes through it, and can be as slow as a real one."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK_BYTES = 64 * 1024
# What may go at once after silence; a home router's queue is of this order.
BURST_SECONDS = 0.05


@dataclass
class Bucket:
    """A token bucket: `take` returns when that many bytes may pass."""

    bytes_per_second: float
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, count: int, *, now: Callable[[], float] = time.monotonic) -> float:
        """Seconds to wait before these bytes may pass."""
        with self._lock:
            present = now()
            self._free_at = max(self._free_at, present - BURST_SECONDS)
            self._free_at += count / self.bytes_per_second
            return max(0.0, self._free_at - present)


@dataclass
class Link:
    """`sent` are bytes towards the server, request heads and TLS included."""

    endpoint: str
    connections: int = 0
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *, connections: int = 0, sent: int = 0) -> None:
        with self._lock:
            self.connections += connections
            self.sent += sent

    def reset(self) -> None:
        with self._lock:
            self.connections = self.sent = 0


@contextlib.contextmanager
def link(endpoint: str, *, megabits_per_second: float | None = None) -> Iterator[Link]:
    """Another endpoint of the server at `endpoint`; only the way there is slow, not the way back."""
    port = urlsplit(endpoint).port
    bucket = Bucket(megabits_per_second * 1e6 / 8) if megabits_per_second else None

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            slow_link.count(connections=1)
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=_pump, args=(server, self.request), daemon=True)
                back.start()
                _pump(self.request, server, lambda sent: _pass(slow_link, bucket, sent))
                back.join()

    with _Server(("127.0.0.1", 0), Handler) as listening:
        slow_link = Link(f"http://127.0.0.1:{listening.server_address[1]}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield slow_link
        finally:
            listening.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _pass(slow_link: Link, bucket: Bucket | None, count: int) -> None:
    slow_link.count(sent=count)
    if bucket is not None:
        time.sleep(bucket.take(count))


def _pump(
    source: socket.socket, target: socket.socket, passing: Callable[[int], None] | None = None
) -> None:
    """Until either side ends; the other then sees the end too."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK_BYTES):
            if passing is not None:
                passing(len(data))
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
