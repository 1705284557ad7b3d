"""The messages between the reading child and its parent: one JSON document a line.

The child announces every table first. After each `Keys` it waits for the rowids of the rows to
send.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

TableKind = Literal["conversation", "reflection", "graph"]


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table that is not empty. The rows of `graph` tables are counted but never sent."""

    name: str
    kind: TableKind
    rows: int


class Key(msgspec.Struct, frozen=True, array_like=True):
    """What identifies a row, without its contents.

    `digest` is the MD5 of the text in hex, so an edited row has another one. `rowid` is DuckDB's
    own and is valid in this copy only. `created` is the time of creation in microseconds as it is
    stored, whatever the time zone of this machine; None where there is none.
    """

    rowid: int
    id: str | None
    digest: str
    empty: bool
    created: int | None = None


class Keys(msgspec.Struct, frozen=True, tag="keys"):
    """The next keys of a table; `table` is its index among the announced tables."""

    table: int
    keys: list[Key]


class Row(msgspec.Struct, frozen=True, tag="row"):
    """One conversation or reflection.

    `embedding` is the text of a JSON array of 384 finite numbers, None where the row has none.
    `created_us` is in microseconds since the epoch, UTC. `columns` has the other known columns.
    """

    rowid: int
    text: str
    embedding: str | None
    created_us: int | None
    columns: dict[str, Any]


class Count(msgspec.Struct, frozen=True, tag="count"):
    """The number of conversations."""

    rows: int


class Carries(msgspec.Struct, frozen=True, tag="carries"):
    """A macro, view or trigger in the database: something that runs in whatever opens it."""

    kind: Literal["macro", "table macro", "view", "trigger"]
    name: str


class Replayed(msgspec.Struct, frozen=True, tag="replayed"):
    """Whether the write-ahead log had to be replayed into the database."""

    replayed: bool


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """Why the child stopped, as its last message; `kind` is a value of `akosha_hook.errors.Kind`."""

    kind: str
    message: str


class End(msgspec.Struct, frozen=True, tag="end"):
    """The last message of a complete stream."""


Message = Table | Keys | Row | Count | Carries | Replayed | Failure | End
