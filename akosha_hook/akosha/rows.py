"""Which rows of a database have to be sent; the others are counted."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from akosha_hook.akosha.memory import Memory, content_of, identify, memory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.counts import Counts
    from akosha_hook.duckdb_reader import Key, Row, Table

EMPTY = "empty text"
NO_ID = "no id"


@dataclass(frozen=True, slots=True)
class _Selected:
    """What is known of a row before its contents are read; `id` is its `memory_id`.

    `own_id` is the `memory_id` that follows from Session-Buddy's id of today. It differs where the
    server was sent the row under the id that it had before, as the list says of its content.
    """

    id: bytes
    own_id: bytes
    content: bytes | None
    is_listed: bool
    original_id: str
    kind: str
    known: bool = False

    @property
    def ids(self) -> frozenset[bytes]:
        """Those under which the server may have the row."""
        return frozenset({self.id, self.own_id})


class RowSelector:
    """Selects rows by their keys; keeps the last selection until the next one.

    `is_waiting` says of a content whether it was selected before and waits to be sent.
    """

    def __init__(
        self,
        system_id: str,
        acknowledged: Acknowledged,
        counts: Counts,
        is_waiting: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self._system_id = system_id
        self._acknowledged = acknowledged
        self._counts = counts
        self._is_waiting = is_waiting
        self._selected: dict[int, _Selected] = {}

    def select(
        self, table: Table, keys: Sequence[Key], samples: int = 0, *, only_samples: bool = False
    ) -> list[int]:
        """The rowids of the memories that the server has not acknowledged.

        Up to `samples` of those that it has are selected too, at random; or `only_samples`. What
        0.1.0 sent is no sample yet when it is seen first: an upgrade sends nothing again.
        """
        candidates = self._candidates(table, keys)
        known = self._known(candidates.values())
        self._selected, sent = {}, set[bytes]()
        acknowledged: list[int] = []
        for rowid, each in candidates.items():
            if known & each.ids:
                if each.is_listed or each.content is None:
                    acknowledged.append(rowid)
            elif each.content is not None and (
                each.content in sent or self._is_waiting(each.content)
            ):
                continue  # the same row, in another table
            else:
                self._selected[rowid] = each
                if each.content is not None:
                    sent.add(each.content)
        self._counts.known += len(candidates) - len(self._selected)
        if only_samples:
            self._selected.clear()
        for rowid in random.sample(acknowledged, min(samples, len(acknowledged))):
            each = candidates[rowid]
            id_ = each.id if each.id in known else each.own_id
            self._selected[rowid] = replace(each, id=id_, known=True)
        return list(self._selected)

    def _candidates(self, table: Table, keys: Sequence[Key]) -> dict[int, _Selected]:
        """The rows that could be sent, by rowid; the others are counted as skipped."""
        sendable: list[tuple[Key, str]] = []
        for key in keys:
            if key.empty:
                self._counts.skip(EMPTY)
            elif not key.id:
                self._counts.skip(NO_ID)
            else:
                sendable.append((key, key.id))
        contents = {key.rowid: content_of(self._system_id, table, key) for key, _ in sendable}
        ids = self._acknowledged.ids_of([each for each in contents.values() if each is not None])
        candidates = {}
        for key, original_id in sendable:
            content = contents[key.rowid]
            own_id = identify(self._system_id, table, key)
            listed = ids.get(content) if content is not None else None
            candidates[key.rowid] = _Selected(
                listed or own_id, own_id, content, listed is not None, original_id, table.kind
            )
        return candidates

    def _known(self, candidates: Collection[_Selected]) -> set[bytes]:
        """The ids that the server has acknowledged.

        0.1.0 kept no contents: those of rows that it had sent are added to the list here.
        """
        known = self._acknowledged.known({id_ for each in candidates for id_ in each.ids})
        contents = {
            each.content: each.own_id
            for each in candidates
            if each.content is not None and not each.is_listed and each.own_id in known
        }
        self._acknowledged.remember((), contents)
        return known

    def is_sample(self, row: Row) -> bool:
        """Whether the server has acknowledged the row."""
        return self._selected[row.rowid].known

    def memory(self, row: Row) -> Memory:
        """The memory to send for a row of the last selection."""
        selected = self._selected[row.rowid]
        return memory_of(
            row,
            id_=selected.id,
            original_id=selected.original_id,
            kind=selected.kind,
            system_id=self._system_id,
            content=selected.content,
        )
