"""What this machine is called in the bucket, and the rising number of its uploads."""

from __future__ import annotations

import re
import secrets
import socket
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akosha_hook.util import files

if TYPE_CHECKING:
    from akosha_hook.paths import Paths
    from akosha_hook.settings.fields import Settings

MAX_SYSTEM_ID = 80


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`machine.json`: hostnames drift, so the first one is remembered beside a random id."""

    system_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    machine_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
    sequence: Annotated[int, Meta(ge=0, le=10**15)] = 0


def load(paths: Paths, settings: Settings) -> Identity:
    """This machine's identity, made up and remembered at first use; the setting's name wins."""
    remembered = files.read_json(paths.machine, Identity)
    if remembered is None:
        remembered = _from_receipts(paths) or Identity(
            system_id=as_system_id(socket.gethostname()), machine_id=secrets.token_hex(8)
        )
        files.private_directory(paths.state)
        files.write_checked_json(paths.machine, remembered)
    if settings.akosha_system_id:
        return msgspec.structs.replace(
            remembered, system_id=as_system_id(settings.akosha_system_id)
        )
    return remembered


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
    if settings.akosha_system_id:
        return as_system_id(settings.akosha_system_id)
    remembered = files.read_json(paths.machine, Identity)
    return remembered.system_id if remembered else as_system_id(socket.gethostname())


def as_system_id(name: str) -> str:
    """`name` mapped to Akosha's alphabet for a system_id: `[A-Za-z0-9_-]`, no dots."""
    mapped = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    return mapped[:MAX_SYSTEM_ID] or "unnamed-system"
