"""On this machine, memories and token go only to a program of the user or of root.

Any local user can listen at a free port, and the default URL is one. So before a connection is
made, and again when it stands, every listener that could have taken it is looked at.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from akosha_hook.akosha.client import failures
from akosha_hook.util import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from akosha_hook.util.listeners import Listener

ROOT = 0


def guard(addresses: Sequence[str], port: int) -> Callable[[str], None]:
    """A `util.connections.Guard` for the server; it has no say about other machines.

    Raises DeliveryError of kind DENIED where another user listens at one of `addresses`, or where
    it cannot be told, and ConnectionRefusedError where nobody visible listens.
    """
    local = [each for each in addresses if _is_local(each)]
    before = _trusted(local, port) if local else []

    def confirm(address: str) -> None:
        if not _is_local(address):
            return
        after = {each.socket for each in _trusted([address], port)}
        seen = {each.socket for each in before if each.answers(address, port)}
        # One that was there before and after was there meanwhile: no other could bind the port.
        if not after & seen:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

    return confirm


def _is_local(address: str) -> bool:
    return listeners.plain(address).is_loopback


def _trusted(addresses: Sequence[str], port: int) -> list[Listener]:
    """The listeners at `addresses`; raises DeliveryError where one is of another user."""
    try:
        found = listeners.listeners()
    except listeners.CannotTellError as error:
        raise failures.unknown_listener(_shown(addresses[0], port), str(error)) from error
    answering = []
    for address in addresses:
        for each in found:
            if not each.answers(address, port):
                continue
            if each.uid not in {ROOT, os.geteuid()}:
                raise failures.foreign_listener(_shown(address, port), each.uid)
            answering.append(each)
    return answering


def _shown(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
