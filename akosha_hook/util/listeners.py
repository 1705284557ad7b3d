"""Which sockets of this machine listen at a loopback address, and whose they are."""

from __future__ import annotations

import ipaddress
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PROC = Path("/proc/net")
LSOF = "/usr/sbin/lsof"
LSOF_SECONDS = 5.0
_LISTEN = "0A"
# lsof -F: a line for each field, which begins with its letter.
_PROCESS, _UID, _FD, _NAME = "p", "u", "f", "n"
_LSOF_NAME = re.compile(r"\[?(\*|[0-9a-fA-F:.]+)\]?:(\d+)")


class CannotTellError(Exception):
    """Listening sockets cannot be looked at; the text says why."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket: its user id, and what tells it from one that takes its place."""

    uid: int
    socket: str
    address: Address
    port: int

    def answers(self, address: str, port: int) -> bool:
        """Whether a connection to `address` could end here.

        `::` may take IPv4 connections too; whether it does cannot be seen from outside.
        """
        wanted = plain(address)
        return self.port == port and (
            self.address == wanted
            or (self.address.is_unspecified and self.address.version >= wanted.version)
        )


def plain(address: str) -> Address:
    """`address` without a zone, and as IPv4 where it is an IPv4 address mapped into IPv6.

    0.0.0.0 and :: are what a connection to them reaches: the loopback address.
    """
    parsed = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
    if parsed.is_unspecified:
        return ipaddress.ip_address("127.0.0.1" if parsed.version == 4 else "::1")  # noqa: PLR2004
    return parsed


def listeners() -> list[Listener]:
    """Every socket that listens for TCP; raises CannotTellError.

    On macOS they are asked of `lsof`, which shows only the user's own unless it is root that asks.
    """
    if sys.platform == "darwin":
        return list(_from_lsof(_lsof()))
    try:
        with (PROC / "tcp").open(encoding="ascii") as table:
            found = list(_from_table(table))
    except (OSError, ValueError) as error:
        raise CannotTellError(f"{PROC}/tcp cannot be read: {error}") from error
    try:
        with (PROC / "tcp6").open(encoding="ascii") as table:
            return [*found, *_from_table(table)]
    except FileNotFoundError:
        return found  # a kernel without IPv6
    except (OSError, ValueError) as error:
        raise CannotTellError(f"{PROC}/tcp6 cannot be read: {error}") from error


def is_end_of_a_connection(address: str, port: int) -> bool:
    """Whether a socket of this machine, listening or not, has the address; Linux only.

    Of a connection that the system passes on to elsewhere, it has none. False where it cannot be seen.
    """
    wanted = plain(address)
    for name in ("tcp", "tcp6"):
        try:
            with (PROC / name).open(encoding="ascii") as table:
                if any((at, to) == (wanted, port) for at, to in map(_local, table)):
                    return True
        except (OSError, ValueError):
            continue
    return False


def _local(line: str) -> tuple[Address | None, int]:
    fields = line.split()
    if len(fields) < 2 or ":" not in fields[1]:  # noqa: PLR2004 - the line of headings
        return None, 0
    address, _, port = fields[1].partition(":")
    return _from_hex(address), int(port, 16)


def _from_table(table: Iterable[str]) -> Iterator[Listener]:
    """Of `/proc/net/tcp` or `tcp6`, as proc(5) describes them; raises ValueError."""
    for line in table:
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTEN:  # noqa: PLR2004
            address, _, port = fields[1].partition(":")
            yield Listener(int(fields[7]), fields[9], _from_hex(address), int(port, 16))


def _from_hex(text: str) -> Address:
    """An address in words of 32 bits, each in the byte order of this machine."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return _unmapped(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))


def _unmapped(address: Address) -> Address:
    return getattr(address, "ipv4_mapped", None) or address


def _lsof() -> str:
    command = [LSOF, "-nP", "-iTCP", "-sTCP:LISTEN", "-FpufPn"]
    try:
        # It exits with 1 where there is nothing to show.
        return subprocess.run(
            command, capture_output=True, text=True, timeout=LSOF_SECONDS, check=False, cwd="/"
        ).stdout
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CannotTellError(f"{LSOF} cannot be run: {error}") from error


def _from_lsof(output: str) -> Iterator[Listener]:
    process = fd = ""
    uid: int | None = None
    for line in output.splitlines():
        letter, value = line[:1], line[1:]
        if letter == _PROCESS:
            process, uid = value, None
        elif letter == _UID and value.isdecimal():
            uid = int(value)
        elif letter == _FD:
            fd = value
        elif letter == _NAME and uid is not None:
            match = _LSOF_NAME.match(value)
            if match:
                # * may be either family: the wider one.
                address = "::" if match.group(1) == "*" else match.group(1)
                at = _unmapped(ipaddress.ip_address(address))
                yield Listener(uid, f"{process}/{fd}", at, int(match.group(2)))
