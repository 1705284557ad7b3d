"""Databases and sets of files that lost most of what was in them since the last upload.

Of a database the conversations are counted, of a set its files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from akosha_hook.state.receipt import Collapse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from akosha_hook.state.receipt import Receipt, ReceiptFile

# Of fewer than these, half is soon gone by tidying up.
FEWEST = 10
TIMES = 2


def collapses(
    files: Iterable[ReceiptFile],
    earlier: Sequence[Receipt],
    known: Mapping[str, Collapse],
    given_up: Collection[str],
    *,
    now: str,
) -> tuple[dict[str, Collapse], tuple[Collapse, ...]]:
    """Every collapse after an upload of `files` that is not made good, and those new with it.

    `earlier` are uploads to the same destination, newest first; `known` are the collapses before
    this upload. A database whose last good copy is all that there is, and one that could not be
    counted, leave things as they were.
    """
    still, new = dict(known), []
    for each in files:
        if each.name != each.database or each.stale or each.name in given_up:
            continue
        count, old = _count(each), known.get(each.name)
        if count is None:
            continue
        if old is not None and count >= old.before:
            del still[each.name]
            continue
        source, before = _last_count(each.name, earlier)
        if source is not None and before >= FEWEST and count * TIMES < before:
            found = Collapse(
                name=each.name,
                what="files" if each.kind == "files" else "conversations",
                before=old.before if old else before,
                now=count,
                upload_id=old.upload_id if old else source,
                since=now,
            )
            still[each.name] = found
            new.append(found)
        elif old is not None:
            still[each.name] = msgspec.structs.replace(old, now=count)
    return still, tuple(new)


def _last_count(name: str, earlier: Sequence[Receipt]) -> tuple[str | None, int]:
    """The newest of these uploads that knows how much was in it, and how much."""
    for receipt in earlier:
        for each in receipt.files:
            if each.name == each.database == name and (count := _count(each)) is not None:
                return receipt.upload_id, count
    return None, 0


def _count(file: ReceiptFile) -> int | None:
    """None where it is not known."""
    return file.members if file.kind == "files" else file.conversations
