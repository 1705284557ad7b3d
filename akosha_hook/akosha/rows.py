"""Which rows of a database have to be sent; the others are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from akosha_hook.akosha.memory import Memory, identify, memory_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.counts import Counts
    from akosha_hook.duckdb_reader import Key, Row, Table

EMPTY = "empty text"
NO_ID = "no id"


@dataclass(frozen=True, slots=True)
class _Selected:
    """What is known of a row before its contents are read."""

    memory_id: bytes
    original_id: str
    kind: str


class RowSelector:
    """Selects rows by their keys; keeps the ids of the last selection until the next one."""

    def __init__(self, system_id: str, acknowledged: Acknowledged, counts: Counts) -> None:
        self._system_id = system_id
        self._acknowledged = acknowledged
        self._counts = counts
        self._selected: dict[int, _Selected] = {}

    def select(self, table: Table, keys: Sequence[Key]) -> list[int]:
        """The rowids of the memories that the server has not acknowledged."""
        candidates: dict[int, _Selected] = {}
        for key in keys:
            if key.empty:
                self._counts.skip(EMPTY)
            elif not key.id:
                self._counts.skip(NO_ID)
            else:
                memory_id = identify(self._system_id, table, key)
                candidates[key.rowid] = _Selected(memory_id, key.id, table.kind)
        known = self._acknowledged.known([each.memory_id for each in candidates.values()])
        self._selected = {
            rowid: each for rowid, each in candidates.items() if each.memory_id not in known
        }
        self._counts.known += len(candidates) - len(self._selected)
        return list(self._selected)

    def memory(self, row: Row) -> Memory:
        """The memory to send for a row of the last selection."""
        selected = self._selected[row.rowid]
        return memory_of(
            row,
            id_=selected.memory_id,
            original_id=selected.original_id,
            kind=selected.kind,
            system_id=self._system_id,
        )
