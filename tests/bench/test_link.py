from __future__ import annotations

import socket
import socketserver
import threading
from urllib.parse import urlsplit

import pytest

from bench.link import BURST_SECONDS, Bucket, link


def test_a_slow_link_makes_bytes_wait_for_those_before_them() -> None:
    """What was silence before gives no credit beyond one burst."""
    bucket = Bucket(bytes_per_second=1000)
    assert bucket.take(1000, now=lambda: 50.0) == pytest.approx(1 - BURST_SECONDS)
    assert bucket.take(500, now=lambda: 50.0) == pytest.approx(1.5 - BURST_SECONDS)
    assert bucket.take(1, now=lambda: 60.0) == 0


def test_a_link_passes_both_ways_and_counts_the_way_there() -> None:
    class Shout(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(self.rfile.read().upper() + b"!!")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Shout) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with link(f"http://127.0.0.1:{server.server_address[1]}") as counted:
            port = urlsplit(counted.endpoint).port
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                assert client.makefile("rb").read() == b"HELLO!!"
            assert (counted.connections, counted.sent) == (1, 5)
        server.shutdown()
        thread.join()
