"""`pin.json`: where the user has confirmed that memories may go, and where they come from."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.paths import account_home
from akosha_hook.state import host
from akosha_hook.util import files
from akosha_hook.util.clock import now_iso

if TYPE_CHECKING:
    from akosha_hook.paths import Paths

logger = logging.getLogger(__name__)


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """What was confirmed, when (ISO 8601 UTC) and by which command.

    An empty `bucket` or `akosha_url` is one that was not in use, an empty `data_directory` one that
    is not known. `databases` are the paths of those outside it. `host` is the fingerprint of the machine that it was confirmed on. `directory` and
    `recipients` are for destinations of later versions.
    """

    schema: int = 1
    endpoint: str = ""
    bucket: str = ""
    akosha_url: str = ""
    data_directory: str = ""
    databases: tuple[str, ...] = ()
    directory: str = ""
    recipients: tuple[str, ...] = ()
    host: str = ""
    at: str = ""
    by: str = ""

    def __str__(self) -> str:
        """Where memories go, in a sentence about it."""
        places = [f"bucket {self.bucket} at {self.endpoint}"] if self.bucket else []
        if self.akosha_url:
            places.append(f"the Akosha server {self.akosha_url}")
        where = ", or else to ".join(places) or "no destination"
        return f"{where} (databases from {' and '.join((self.data_directory, *self.databases))})"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A pin that fits nothing, since it cannot be believed; `reason` says why."""

    reason: str


def read(paths: Paths) -> Pin | Unusable | None:
    """The pin; None where none was ever made. A corrupt one is set aside, and stays unusable."""
    files.read_json(paths.pin, Pin)
    return look(paths)


def look(paths: Paths) -> Pin | Unusable | None:
    """What `read` returns, without setting anything aside."""
    pin = files.peek_json(paths.pin, Pin)
    if pin is not None:
        return pin if _is_from_here(paths, pin) else Unusable(f"{paths.pin} is another machine's")
    aside = paths.pin.with_name(paths.pin.name + ".corrupt")
    if os.path.lexists(paths.pin) or os.path.lexists(aside):
        return Unusable(f"{paths.pin} could not be read")
    return None


def write(paths: Paths, pin: Pin, *, by: str) -> None:
    """Make `pin` the one that counts, confirmed now by the command `by`."""
    files.private_directory(paths.state)
    pin = msgspec.structs.replace(pin, host=host.fingerprint(), at=now_iso(), by=by)
    files.write_checked_json(paths.pin, pin)
    logger.info("Pinned by %s: %s", by, pin)


def is_own(paths: Paths) -> bool:
    """Whether the state directory is known to be the user's, and not one that came with a clone."""
    return _is_accounts(paths) or isinstance(look(paths), Pin)


def is_elsewhere(paths: Paths) -> bool:
    """Whether a variable has led to this state directory, which may have come with a clone.

    `CLAUDE_CONFIG_DIR` has unless it is where it would be anyway; `HOME` has if the account's own
    home is in use.
    """
    if _is_accounts(paths):
        return False
    return paths.claude != Path.home() / ".claude" or has_other(paths)


def has_other(paths: Paths) -> bool:
    """Whether memories have been confirmed, or sent, from the home directory's own state."""
    names = (paths.pin.name, paths.pin.name + ".corrupt", paths.receipts.name)
    return any(
        os.path.lexists(claude / paths.state.name / name)
        for claude in (account_home() / ".claude", Path.home() / ".claude")
        if claude != paths.claude
        for name in names
    )


def _is_accounts(paths: Paths) -> bool:
    return paths.claude == account_home() / ".claude"


def _is_from_here(paths: Paths, pin: Pin) -> bool:
    """Whether it was made here: a clone may bring a state directory, pin included.

    Nothing but the user's own programs writes to the account's own directory. A machine without an
    id cannot tell: there it counts as long as there is no other.
    """
    if _is_accounts(paths):
        return True
    return pin.host == host.fingerprint() and (bool(pin.host) or not has_other(paths))
