"""A reverse proxy on loopback that does to S3 requests what networks and servers do.

It sees whole HTTP requests, knows which S3 operation each is, and lets every rule that matches
have its way with the exchange; what no rule matches is passed on as it is. Clients sign the Host
header they were given, and the servers check against the one they get, so it is left alone.
"""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.passing import PassingTime

HEAD_END = b"\r\n\r\n"
PIECE = 65536


@dataclass(frozen=True)
class Asked:
    """One request as the proxy saw it; `operation` is S3's name for it."""

    operation: str
    method: str
    path: str
    part: int = 0


@dataclass
class Exchange:
    """A request whose head has been read, and whose body still waits in the socket."""

    asked: Asked
    head: bytes
    client: socket.socket
    upstream: int
    unread: int
    received: bytes
    response: bytes = b""
    rewrite: Callable[[Asked, bytes], bytes] | None = None

    def body(self, limit: int | None = None) -> bytes:
        """The body's next bytes, all that is left or `limit` of them."""
        wanted = self.unread if limit is None else min(limit, self.unread)
        data, self.received = self.received[:wanted], self.received[wanted:]
        while len(data) < wanted:
            received = self.client.recv(min(PIECE, wanted - len(data)))
            if not received:
                raise ConnectionAbortedError
            data += received
        self.unread -= len(data)
        return data

    def forward(self) -> bytes:
        """Have the server carry the request out; its whole answer."""
        body = self.body()
        head = re.sub(rb"(?im)^connection:[^\r]*\r\n", b"", self.head)
        head = head.removesuffix(HEAD_END) + b"\r\nConnection: close" + HEAD_END
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            server.sendall(head + body)
            pieces = []
            while piece := server.recv(PIECE):
                pieces.append(piece)
        answer = b"".join(pieces)
        return self.rewrite(self.asked, answer) if self.rewrite else answer

    def answer(self, status: int, body: bytes, *, kind: str = "application/xml") -> None:
        self.body()
        self.client.sendall(
            f"HTTP/1.1 {status} Fault\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + (b"" if self.asked.method == "HEAD" else body)
        )

    def reset(self) -> None:
        """End the connection the rude way: the client gets ECONNRESET."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()


Fault = "Callable[[Exchange], None]"


@dataclass
class Rule:
    """`fault` happens to requests that are one of `operations`, from the `first` on, `times` times."""

    operations: tuple[str, ...]
    fault: Callable[[Exchange], None]
    first: int = 1
    times: int | None = None
    seen: int = 0

    def matches(self, asked: Asked) -> bool:
        if self.operations and asked.operation not in self.operations:
            return False
        self.seen += 1
        return self.seen >= self.first and (
            self.times is None or self.seen < self.first + self.times
        )


@dataclass
class FaultyProxy:
    """`asked` is every request in the order of arrival; `rewrite` may change any answer."""

    upstream: int
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    connections: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)
    rewrite: Callable[[Asked, bytes], bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(
        self,
        *operations: str,
        fault: Callable[[Exchange], None],
        first: int = 1,
        times: int | None = None,
    ) -> Rule:
        rule = Rule(operations, fault, first, times)
        with self.guard:
            self.rules.append(rule)
        return rule

    def heal(self) -> None:
        """From now on everything passes."""
        with self.guard:
            self.rules.clear()

    def operations(self, *names: str) -> list[str]:
        return [each.operation for each in self.asked if not names or each.operation in names]

    def parts(self) -> list[int]:
        """Numbers of the parts that were sent, in order of arrival."""
        return [each.part for each in self.asked if each.operation == "UploadPart"]

    def hole(self, exchange: Exchange) -> None:
        """Never answer."""
        self.closing.wait()

    def pause(self, *operations: str, first: int = 1, carried_out: bool = False) -> Pause:
        """Stop at the `first` such request, before it reaches the server or after."""
        pause = Pause(carried_out, closing=self.closing)
        self.on(*operations, fault=pause, first=first, times=1)
        return pause

    def _fault_for(self, asked: Asked) -> Callable[[Exchange], None]:
        with self.guard:
            self.asked.append(asked)
            faults = [rule.fault for rule in self.rules if rule.matches(asked)]
        return faults[0] if faults else passed


@dataclass
class Pause:
    """A fault that holds one request: `arrived` is set, and nothing goes on until `resume`."""

    carried_out: bool
    closing: threading.Event
    arrived: threading.Event = field(default_factory=threading.Event)
    going_on: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False

    def __call__(self, exchange: Exchange) -> None:
        answer = exchange.forward() if self.carried_out else b""
        self.arrived.set()
        self.going_on.wait()
        if self.dropped or self.closing.is_set():
            return
        with contextlib.suppress(OSError):
            exchange.client.sendall(answer or exchange.forward())

    def wait(self) -> None:
        assert self.arrived.wait(60), "no such request came"

    def resume(self) -> None:
        self.going_on.set()

    def drop(self) -> None:
        """Let the request, and its answer, be lost."""
        self.dropped = True
        self.going_on.set()


def passed(exchange: Exchange) -> None:
    exchange.client.sendall(exchange.forward())


def reset(exchange: Exchange) -> None:
    """Half of the body arrives, then the connection is reset."""
    exchange.body(exchange.unread // 2)
    exchange.reset()


def lost_answer(exchange: Exchange) -> None:
    """The server does it, and nobody hears of it."""
    exchange.forward()
    exchange.reset()


def truncated(exchange: Exchange) -> None:
    """Half an answer: the head promises more than what comes."""
    answer = exchange.forward()
    head, end, body = answer.partition(HEAD_END)
    cut = head + end + body[: len(body) // 2] if body else head[: len(head) // 2]
    exchange.client.sendall(cut)


def no_etag(exchange: Exchange) -> None:
    """As Ceph RGW: the answer's ETag is empty."""
    answer = exchange.forward()
    answer = re.sub(rb"(?i)(\r\netag:) *\"?[^\r\"]*\"?", rb'\1 ""', answer)
    answer = re.sub(
        rb"<ETag>[^<]*</ETag>", lambda match: b"<ETag></ETag>".ljust(len(match[0])), answer
    )
    exchange.client.sendall(answer)


def error(status: int, code: str, *, headers: str = "") -> Callable[[Exchange], None]:
    """S3's error document, instead of carrying the request out."""

    def fault(exchange: Exchange) -> None:
        exchange.answer(status, error_document(code))

    return fault


def error_document(code: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message>'
        "<Resource>/</Resource><RequestId>request-1</RequestId><HostId>h</HostId></Error>"
    ).encode()


def portal(exchange: Exchange) -> None:
    """A captive portal answers everything with its own page, and 200."""
    exchange.answer(200, b"<html><body>Please log in</body></html>", kind="text/html")


def too_late(passing: PassingTime) -> Callable[[Exchange], None]:
    """Nothing but time passes, more than any deadline leaves, and then the connection is gone."""

    def fault(exchange: Exchange) -> None:
        passing.sleep(86_400)
        exchange.reset()

    return fault


def slow(bytes_per_second: int) -> Callable[[Exchange], None]:
    """The way up takes `bytes_per_second`."""

    def fault(exchange: Exchange) -> None:
        body = b""
        while exchange.unread:
            body += exchange.body(max(1, bytes_per_second // 20))
            time.sleep(0.05)  # the fault itself, not a synchronisation
        exchange.received, exchange.unread = body, len(body)
        exchange.client.sendall(exchange.forward())

    return fault


@contextlib.contextmanager
def faulty_proxy(endpoint: str) -> Iterator[FaultyProxy]:
    """A proxy before the S3 server at `endpoint`, without any rule yet."""
    upstream = urlsplit(endpoint).port
    assert upstream
    proxy = FaultyProxy(upstream)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.connections += 1
            # A client that was killed, or has had enough, is what this proxy is for.
            with contextlib.suppress(OSError):
                _serve(proxy, self.request)

    with _Server(("127.0.0.1", 0), Handler) as server:
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.closing.set()
            for rule in proxy.rules:
                if isinstance(rule.fault, Pause):
                    rule.fault.resume()
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _serve(proxy: FaultyProxy, client: socket.socket) -> None:
    data = b""
    while HEAD_END not in data:
        received = client.recv(PIECE)
        if not received:
            return
        data += received
    head, beginning = data.split(HEAD_END, 1)
    match = re.search(rb"(?im)^content-length: *(\d+)", head)
    length = int(match.group(1)) if match else 0
    asked = _asked(head.split(b"\r\n", 1)[0].decode("latin-1"))
    exchange = Exchange(
        asked, head + HEAD_END, client, proxy.upstream, length, beginning, rewrite=proxy.rewrite
    )
    proxy._fault_for(asked)(exchange)


def _asked(first_line: str) -> Asked:
    method, target, _ = first_line.split(" ", 2)
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    part = int(query["partNumber"][0]) if "partNumber" in query else 0
    return Asked(_operation(method, url.path, query), method, url.path, part)


def _operation(method: str, path: str, query: dict[str, list[str]]) -> str:
    manifest = "Manifest" if path.endswith("/manifest.json") else "Object"
    multipart = {
        ("PUT", "uploadId"): "UploadPart",
        ("POST", "uploads"): "CreateMultipartUpload",
        ("POST", "uploadId"): "CompleteMultipartUpload",
        ("GET", "uploadId"): "ListParts",
        ("GET", "uploads"): "ListMultipartUploads",
        ("DELETE", "uploadId"): "AbortMultipartUpload",
        ("GET", "list-type"): "ListObjects",
        ("GET", "location"): "GetBucketLocation",
    }
    for (name, parameter), operation in multipart.items():
        if method == name and parameter in query:
            return operation
    return f"{method.title()}{manifest}"
