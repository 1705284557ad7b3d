"""What an Akosha server has been shown, as its receipt keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.receipt import ReceiptFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.snapshot import Snapshot


def pushed_files(snapshot: Snapshot, known: Mapping[str, ReceiptFile]) -> tuple[ReceiptFile, ...]:
    """What was pushed now, and what had not changed since an earlier push.

    After a fallback the known files are the bucket's, which this server never saw; only those
    have a key. Sets of files are not pushed.
    """
    unchanged = set(snapshot.unchanged)
    shown = [
        msgspec.structs.replace(each, status="unchanged")
        for each in known.values()
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
            kind=database.kind,
        )
        for database in snapshot.databases
        if database.kind != "files"
        for each in database.files
    ]
    return (*shown, *pushed)


def not_pushed(snapshot: Snapshot) -> tuple[str, ...]:
    """A note on what Akosha has no use for."""
    names = ", ".join(each.name for each in snapshot.databases if each.kind == "sqlite")
    if not names:
        return ()
    return (f"Akosha takes memories from DuckDB databases only, so {names} had nothing to send",)
