"""The Akosha server as a destination of a sync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.akosha import acknowledged
from akosha_hook.akosha.client.probing import connect
from akosha_hook.akosha.push import Push
from akosha_hook.state.receipt import ReceiptFile
from akosha_hook.stores.base import Delivery

if TYPE_CHECKING:
    from akosha_hook.stores.base import Consignment, Surroundings


@dataclass(frozen=True, slots=True)
class Akosha:
    """Pushes memories to the server of the settings.

    The receipt's details count what became of the rows, in a failure too: what was stored stays
    stored, and the next push sends the rest.
    """

    surroundings: Surroundings

    def deliver(self, consignment: Consignment) -> Delivery:
        """Raises AkoshaHookError where a row that should have been stored was not."""
        here = self.surroundings
        transport = connect(here.settings, here.environ, here.retry.deadline)
        with acknowledged.opened(here.paths, transport.base) as known:
            push = Push(transport, here.retry, known, here.progress, consignment.system_id)
            push.run(consignment.snapshot.databases)
            problems = (known.problem,) if known.problem else ()
        return Delivery(
            files=_files(consignment),
            notes=(*push.tally.notes(), *problems),
            bytes_transferred=transport.bytes_sent,
            details=push.details(),
        )


def _files(consignment: Consignment) -> tuple[ReceiptFile, ...]:
    """What this server has been shown: what was pushed now, and what had not changed since.

    After a fallback the known files are the bucket's, which this server never saw; only those
    have a key.
    """
    unchanged = set(consignment.snapshot.unchanged)
    shown = [
        msgspec.structs.replace(each, status="unchanged")
        for each in consignment.known.values()
        if each.database in unchanged and not each.key
    ]
    pushed = [
        ReceiptFile(
            name=each.name,
            database=database.name,
            status="uploaded",
            size=each.size,
            sha256=each.sha256,
            fingerprint=each.fingerprint,
        )
        for database in consignment.snapshot.databases
        for each in database.files
    ]
    return (*shown, *pushed)
