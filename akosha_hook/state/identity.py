"""What this machine is called in the bucket, and the rising number of its uploads."""

from __future__ import annotations

import logging
import re
import secrets
import socket
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.state import host
from akosha_hook.util import files
from akosha_hook.util.clock import epoch, now_iso

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings

MAX_SYSTEM_ID = 80
COPIED = "its state directory was copied from another machine"
SHARED = "another machine uploads under the same id, with a copy of its state directory"
# So rarely is a machine's state directory copied that its id changes for it. Whoever reads the bucket
# learns a new id at the next upload, and can claim it at once.
SHARED_DAYS = 30
DAY_SECONDS = 86_400
logger = logging.getLogger(__name__)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`machine.json`: hostnames drift, so the first one is remembered beside a random id.

    `host` is the fingerprint of the machine that the state directory belongs to, "" where that has
    none. `renewed` says since when (ISO 8601 UTC) the machine has a new id, and `renewed_because`
    why: it turned out to be a copy of another.
    """

    system_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    machine_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    sequence: Annotated[int, Meta(ge=0, le=10**15)] = 0
    host: str = ""
    renewed: str = ""
    renewed_because: str = ""


def load(paths: Paths, settings: Settings) -> Identity:
    """This machine's identity, made up and remembered at first use; the setting's name wins.

    A state directory that was copied to another machine gets a new machine id: what the original
    stored is not its own.
    """
    here = host.fingerprint()
    remembered = files.read_json(paths.machine, Identity)
    if remembered is None:
        remembered = _from_receipts(paths) or Identity(
            system_id=as_system_id(socket.gethostname()), machine_id=new_machine_id()
        )
        remembered = _remember(paths, msgspec.structs.replace(remembered, host=here))
    elif _is_elsewhere(remembered, here):
        remembered = renew(paths, remembered, COPIED)
    elif here and not remembered.host:
        remembered = _remember(paths, msgspec.structs.replace(remembered, host=here))
    return _named(remembered, settings)


def new_machine_id() -> str:
    return secrets.token_hex(8)


def renew(paths: Paths, identity: Identity, reason: str, *, machine_id: str = "") -> Identity:
    """A new machine id for a machine that turned out to be a copy, or to have one."""
    renewed = msgspec.structs.replace(
        identity,
        machine_id=machine_id or new_machine_id(),
        host=host.fingerprint(),
        renewed=now_iso(),
        renewed_because=reason,
    )
    logger.warning("This machine has a new id: %s", reason)
    remembered = files.read_json(paths.machine, Identity) or identity
    # A name that a setting gives is not remembered.
    _remember(paths, msgspec.structs.replace(renewed, system_id=remembered.system_id))
    return renewed


def renewal(me: Identity) -> str:
    """What is to be said of a new id, for as long as it is news."""
    return f"This machine has the new id {me.machine_id}, since {me.renewed_because}." + (
        " What was stored before does not count as its own, so everything is uploaded once more."
        if me.renewed_because == COPIED
        else ""
    )


def was_shared_lately(me: Identity) -> bool:
    """Whether this machine has taken a new id within the last SHARED_DAYS because it has a copy."""
    if me.renewed_because != SHARED:
        return False
    try:
        return time.time() - epoch(me.renewed) < SHARED_DAYS * DAY_SECONDS
    except ValueError:
        return False


def _is_elsewhere(remembered: Identity, here: str) -> bool:
    return bool(here and remembered.host and remembered.host != here)


def _remember(paths: Paths, identity: Identity) -> Identity:
    files.private_directory(paths.state)
    files.write_checked_json(paths.machine, identity)
    return identity


def _named(identity: Identity, settings: Settings) -> Identity:
    if settings.akosha_system_id:
        return msgspec.structs.replace(identity, system_id=as_system_id(settings.akosha_system_id))
    return identity


def _from_receipts(paths: Paths) -> Identity | None:
    """Who this machine was, where `machine.json` was lost and receipts were not."""
    from akosha_hook.state.receipts import Receipts

    last = Receipts(paths).by_sequence()
    if last is None:
        return None
    return Identity(system_id=last.system_id, machine_id=last.machine_id, sequence=last.sequence)


def next_sequence(paths: Paths, settings: Settings) -> int:
    """A number above every earlier one of this machine, stored before it is used.

    It follows the clock where that goes forward, so that a machine that lost its state carries on
    above what it stored before; a clock set back only makes it count by one.
    """
    identity = load(paths, settings)
    sequence = max(identity.sequence + 1, int(time.time()))
    remembered = files.read_json(paths.machine, Identity) or identity
    files.write_checked_json(paths.machine, msgspec.structs.replace(remembered, sequence=sequence))
    return sequence


def peek(paths: Paths, settings: Settings) -> str:
    """The system id that an upload would use, without remembering anything."""
    return look(paths, settings).system_id


def look(paths: Paths, settings: Settings) -> Identity:
    """This machine's identity without remembering anything.

    The machine id is "" where it has none yet, or where its state is another machine's.
    """
    remembered = files.peek_json(paths.machine, Identity)
    if remembered is None:
        nobody = Identity(system_id=as_system_id(socket.gethostname()), machine_id="")
        return _named(nobody, settings)
    if _is_elsewhere(remembered, host.fingerprint()):
        remembered = msgspec.structs.replace(remembered, machine_id="")
    return _named(remembered, settings)


def as_system_id(name: str) -> str:
    """`name` mapped to Akosha's alphabet for a system_id: `[A-Za-z0-9_-]`, no dots."""
    mapped = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return mapped[:MAX_SYSTEM_ID] or "unnamed-system"
