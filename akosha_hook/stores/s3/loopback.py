"""On this machine, over http://, memories go to no server of another person's.

While the user's own server is stopped, anybody can listen at its port. A server that the system runs
has an account of its own, so that unlike an Akosha server's, its owner may be any account that nobody
logs in with.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from akosha_hook.errors import ForeignListenerError
from akosha_hook.util import listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from akosha_hook.settings.fields import Settings
    from akosha_hook.stores.providers import Provider
    from akosha_hook.util.connections import Guard
    from akosha_hook.util.listeners import Listener

# UID_MIN of login.defs(5), in every distribution: accounts below are the system's.
FIRST_PERSON = 1000


def guard_for(provider: Provider, settings: Settings, *, subject: str) -> Guard | None:
    """The guard for this endpoint; None where a certificate, or the user, vouches for the server.

    Nor on macOS, where the listeners of others cannot be seen.
    """
    if provider.secure or settings.akosha_allow_insecure_endpoint or sys.platform != "linux":
        return None

    def guard(addresses: Sequence[str], port: int) -> Callable[[str], None]:
        local = [each for each in addresses if listeners.plain(each).is_loopback]
        before = _trusted(local, port, subject)

        def confirm(address: str) -> None:
            if address not in local or before is None:
                return
            after = _trusted([address], port, subject)
            seen = {each.socket for each in before if each.answers(address, port)}
            # With none before and none after, the system itself passes the connection on, as
            # Docker's rules do.
            stayed = seen & {each.socket for each in after or ()}
            if not stayed and (seen or after or listeners.is_end_of_a_connection(address, port)):
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        return confirm

    return guard


def _trusted(addresses: Sequence[str], port: int, subject: str) -> list[Listener] | None:
    """The listeners at `addresses`, None where they cannot be seen.

    Raises ForeignListenerError where one is another person's.
    """
    if not addresses:
        return []
    try:
        found = listeners.listeners()
    except listeners.CannotTellError:
        return None
    answering = [each for each in found if any(each.answers(to, port) for to in addresses)]
    for each in answering:
        if each.uid >= FIRST_PERSON and each.uid != os.geteuid():
            raise ForeignListenerError(
                f"{subject}: nothing was sent, since the program that listens at port {port} belongs "
                f"to another user of this machine (uid {each.uid}).",
                hint="Start your own server again, or, if that one is yours or you trust it: "
                "akosha-hook config set akosha_allow_insecure_endpoint true",
            )
    return answering
