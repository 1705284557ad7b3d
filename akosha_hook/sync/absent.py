"""Databases that were stored once and are not in the snapshot: said, and remembered since when."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.snapshot import Skipped
from akosha_hook.snapshot.sets import set_of
from akosha_hook.util.clock import minute

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from akosha_hook.context import Context
    from akosha_hook.format.manifest import Stale
    from akosha_hook.snapshot import Snapshot
    from akosha_hook.state.receipt import Receipt, ReceiptFile


def with_absent(
    frozen: Snapshot,
    last_good: Mapping[str, ReceiptFile],
    context: Context,
    *,
    said: Collection[str] = (),
) -> Snapshot:
    """The snapshot, with every database that it lacks and that has a last good copy in `skipped`.

    Of those in `said` it is known already why.
    """
    skipped = {each.name: each for each in frozen.skipped}
    for name in absent(frozen, last_good):
        if name in said:
            continue
        stale = last_good[name].stale
        assert stale is not None
        before = skipped.get(name)
        if before is None or before.reason == "missing":
            reason, message = _why(name, context)
            message += (
                f"; its last good copy is as of {minute(stale.as_of)} (akosha-hook restore --file "
                f"{name} brings it back, akosha-hook forget {name} gives it up)"
            )
            skipped[name] = Skipped(name, reason, message, as_of=stale.as_of)
        else:
            skipped[name] = replace(before, as_of=stale.as_of)
    return replace(frozen, skipped=tuple(skipped.values()))


def with_lost(frozen: Snapshot, lost: Mapping[str, str], left_out: Collection[str]) -> Snapshot:
    """The snapshot, with the databases it lacks of which no copy is left in `skipped`.

    `lost` says of when the last copy was.
    """
    messages = {
        name: f"{name} is gone, and no copy of it is left: the last one, as of {minute(as_of)}, was "
        f"lost in the bucket (akosha-hook forget {name} ends this)"
        for name, as_of in lost.items()
    }
    return _with(frozen, messages, "lost", left_out)


def with_elsewhere(
    frozen: Snapshot, elsewhere: Mapping[str, Receipt], context: Context
) -> Snapshot:
    """The snapshot, with the databases it lacks that only another destination has in `skipped`."""
    messages = {
        name: f"{name} is no longer in {context.database_path(name).parent}; its last good copy is not where uploads go now, "
        f"but in {receipt.upload_id} of {receipt.system_id}, in bucket "
        f"{receipt.destination.bucket}"
        for name, receipt in elsewhere.items()
        if not context.database_path(name).exists()
    }
    return _with(frozen, messages, "missing", ())


def _with(
    frozen: Snapshot, messages: Mapping[str, str], reason: str, left_out: Collection[str]
) -> Snapshot:
    there = {each.name for each in frozen.databases} | set(frozen.unchanged) | set(left_out)
    said = {each.name for each in frozen.skipped}
    more = [
        Skipped(name, reason, message)
        for name, message in messages.items()
        if name not in there and name not in said
    ]
    return replace(frozen, skipped=(*frozen.skipped, *more))


def absent(frozen: Snapshot, stored: Mapping[str, ReceiptFile]) -> tuple[str, ...]:
    """Databases of `stored` that the snapshot neither holds nor found unchanged."""
    there = {each.name for each in frozen.databases} | set(frozen.unchanged)
    names = dict.fromkeys(each.database for each in stored.values())
    return tuple(name for name in names if name not in there and name in stored)


def marked(
    last: Receipt, frozen: Snapshot, last_good: Mapping[str, ReceiptFile], *, same: bool
) -> Receipt:
    """The last receipt, with the databases that are absent now, and since when.

    With `same`, what the snapshot holds has the content that `last` names: its new `stat` is kept,
    so that the next sync need not read it.
    """
    missed = _stale(frozen, last_good)
    if not same:
        files = [
            msgspec.structs.replace(each, stale=missed.get(each.name, each.stale))
            for each in last.files
        ]
        return msgspec.structs.replace(last, files=tuple(files))
    seen = {each.name: each.fingerprint for database in frozen.databases for each in database.files}
    there = {each.name for each in frozen.databases} | set(frozen.unchanged)
    files = [
        msgspec.structs.replace(
            each,
            fingerprint=seen.get(each.name) or each.fingerprint,
            stale=None if each.database in there else missed.get(each.name, each.stale),
        )
        for each in last.files
    ]
    return msgspec.structs.replace(last, files=tuple(files))


def _stale(frozen: Snapshot, last_good: Mapping[str, ReceiptFile]) -> dict[str, Stale]:
    names = set(absent(frozen, last_good))
    reasons = {each.name: each.reason for each in frozen.skipped}
    return {
        each.name: msgspec.structs.replace(each.stale, reason=reasons.get(each.database, "skipped"))
        for each in last_good.values()
        if each.database in names and each.stale
    }


def _why(name: str, context: Context) -> tuple[str, str]:
    if files := set_of(name):
        if files not in context.settings.akosha_include:
            return "excluded", f"{files} is not among akosha_include"
        return "missing", f"{files} has no files any more"
    patterns = context.settings.akosha_databases
    if not any(name == each or fnmatchcase(name, each) for each in patterns):
        return "excluded", f"{name} is not among akosha_databases"
    path = context.database_path(name)
    if path.exists():
        return "skipped", f"{name} is not in the snapshot that was taken"
    return "missing", f"{name} is no longer in {path.parent}"
