"""Which rows of a database have to be sent, and what is told of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from akosha_hook.akosha.memory import Memory, identify, memory_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from akosha_hook.akosha.acknowledged import Acknowledged
    from akosha_hook.akosha.counts import Tally
    from akosha_hook.duckdb_reader import Key, Row, Table

EMPTY = "empty text"
NO_ID = "no id"


class Chooser:
    """Remembers, until the next choice, whose row is whose memory."""

    def __init__(self, system_id: str, acknowledged: Acknowledged, tally: Tally) -> None:
        self._system_id = system_id
        self._acknowledged = acknowledged
        self._tally = tally
        self._chosen: dict[int, tuple[bytes, str, str]] = {}

    def choose(self, table: Table, keys: Sequence[Key]) -> list[int]:
        """The rowids of the memories that the server has not acknowledged."""
        ids: dict[int, tuple[bytes, str, str]] = {}
        for key in keys:
            if key.empty:
                self._tally.skip(EMPTY)
            elif not key.id:
                self._tally.skip(NO_ID)
            else:
                ids[key.rowid] = (identify(self._system_id, table, key), key.id, table.kind)
        known = self._acknowledged.known([id_ for id_, _, _ in ids.values()])
        self._chosen = {rowid: each for rowid, each in ids.items() if each[0] not in known}
        self._tally.known += len(ids) - len(self._chosen)
        return list(self._chosen)

    def memory(self, row: Row) -> Memory:
        """The memory that a chosen row is."""
        id_, original_id, kind = self._chosen[row.rowid]
        return memory_of(
            row, id_=id_, original_id=original_id, kind=kind, system_id=self._system_id
        )
