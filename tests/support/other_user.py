"""Another user of this machine, who listens at a port. Needs root, who can become anybody."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

UID = 12_345
needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can listen as another user"
)
# Prints the port, accepts connections, and prints what each of them sends.
_PROGRAM = """
import os, socket, sys
os.setuid(int(sys.argv[3]))
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listening = socket.socket(family)
if family == socket.AF_INET6:
    listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sys.argv[4]))
listening.bind((sys.argv[1], int(sys.argv[2])))
listening.listen()
print(listening.getsockname()[1], flush=True)
while True:
    connection, _ = listening.accept()
    connection.settimeout(2)
    try:
        print(connection.recv(65536), flush=True)
    except OSError:
        pass
    connection.close()
"""


@dataclass(frozen=True)
class Attacker:
    port: int
    _process: subprocess.Popen[bytes]

    def heard(self) -> bytes:
        """All that anybody sent; ends the program."""
        self._process.kill()
        assert self._process.stdout is not None
        return self._process.stdout.read().replace(b"b''", b"").strip()


@contextlib.contextmanager
def attacker(
    address: str = "127.0.0.1", port: int = 0, *, only_v6: bool = True
) -> Iterator[Attacker]:
    """A program of user UID that listens at `address`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, address, str(port), str(UID), str(int(only_v6))],
        stdout=subprocess.PIPE,
        cwd="/",
    )
    try:
        assert process.stdout is not None
        yield Attacker(int(process.stdout.readline()), process)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
