"""What the reading child and its parent say to each other: one JSON document a line.

The child announces every table first. After each `Keys` it waits for the rowids it shall send.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["conversation", "reflection", "graph"]


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table with something in it. Of `graph` tables only the count is told."""

    name: str
    kind: Kind
    rows: int


class Key(msgspec.Struct, frozen=True, array_like=True):
    """What a row is known by, without its contents.

    `digest` is the MD5 of the text in hex: an edited row has another one. `rowid` is DuckDB's own
    and means something in this copy only.
    """

    rowid: int
    id: str | None
    digest: str
    empty: bool


class Keys(msgspec.Struct, frozen=True, tag="keys"):
    """The next keys of a table; `table` counts the announced ones from 0."""

    table: int
    keys: list[Key]


class Row(msgspec.Struct, frozen=True, tag="row"):
    """One conversation or reflection.

    `embedding` is the text of a JSON array of 384 finite numbers, None where the row has none.
    `created_us` counts microseconds from the epoch, in UTC. `columns` has what else is known.
    """

    rowid: int
    text: str
    embedding: str | None
    created_us: int | None
    columns: dict[str, Any]


class Count(msgspec.Struct, frozen=True, tag="count"):
    rows: int


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The child's last words; `trouble` is a value of `Trouble`."""

    trouble: str
    message: str


class End(msgspec.Struct, frozen=True, tag="end"):
    """Everything was said. A stream without it was cut short."""


Message = Table | Keys | Row | Count | Failure | End
