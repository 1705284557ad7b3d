"""A real forward proxy on loopback: CONNECT tunnels and absolute-form HTTP, every request noted."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Asked:
    """One request as the proxy saw it."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass
class ForwardProxy:
    """`names` maps host names, which need not exist, to ports on loopback."""

    names: Mapping[str, int]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def forward_proxy(names: Mapping[str, int]) -> Iterator[ForwardProxy]:
    proxy = ForwardProxy(names)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _serve(proxy, self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _serve(proxy: ForwardProxy, client: socket.socket) -> None:
    data = b""
    while HEAD_END not in data:
        received = client.recv(65536)
        if not received:
            return
        data += received
    head, rest = data.split(HEAD_END, 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    proxy.asked.append(Asked(method, target, headers))
    url = urlsplit(f"//{target}" if method == "CONNECT" else target)
    with socket.create_connection(("127.0.0.1", proxy.names[url.hostname or ""])) as server:
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            kept = [line for line in lines if not line.lower().startswith("proxy-")]
            request = "\r\n".join([f"{method} {url.path or '/'} HTTP/1.1", *kept])
            server.sendall(request.encode("latin-1") + HEAD_END + rest)
        _relay(client, server)


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)
