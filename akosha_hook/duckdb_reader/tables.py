"""Which tables of a database hold memories, and the SQL that reads them.

Versions of Session-Buddy have written `conversations_v2`, `conversations` and
`<collection>_conversations`, with different columns, so DuckDB's catalogue is asked for both.
`session-buddy migrate` gathers them in `conversations` under new ids; while it runs, and where it
was cut off, there is `conversations_legacy` or `conversations_new` too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.duckdb_reader.messages import TableKind

EMBEDDING = 384
_MEMORIES = re.compile(r"(?:\w+_)?(conversation|reflection)s(?:_v2|_legacy|_new)?")
_GRAPH = frozenset({"kg_entities", "kg_relationships"})

# Akosha 0.11 keeps source, type and original_id only; these are sent for later versions.
COLUMNS = (
    "category",
    "subcategory",
    "project",
    "namespace",
    "tags",
    "related_entities",
    "memory_tier",
    "importance_score",
    "confidence_score",
    "insight_type",
    "source_type",
    "session_id",
    "user_id",
    "conversation_id",
    "source_session_id",
    "source_artifact_uri",
)
_CREATED_COLUMNS: dict[TableKind, tuple[str, ...]] = {
    "conversation": ("timestamp", "created_at"),
    "reflection": ("created_at", "timestamp"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A table in the catalogue. `kind` is None for a table without memories or a graph."""

    schema: str
    name: str
    kind: TableKind | None
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def text_sql(self) -> str:
        """The content followed by the reasoning: a memory in Akosha has a single text."""
        content = "nullif(CAST(content AS VARCHAR), '')"
        if "reasoning" not in self.columns:
            return f"coalesce({content}, '')"
        reasoning = "'Reasoning: ' || nullif(CAST(reasoning AS VARCHAR), '')"
        return f"concat_ws(chr(10) || chr(10), {content}, {reasoning})"

    @property
    def keys_sql(self) -> str:
        """`rowid, id, digest, empty, created` of the rows between two rowids."""
        return (
            f"SELECT rowid, CAST(id AS VARCHAR), md5({self.text_sql}), "
            f"NOT regexp_matches({self.text_sql}, '\\S'), {self._stored_time_sql} "
            f"FROM {self.sql} WHERE rowid BETWEEN ? AND ?"
        )

    @property
    def identity_sql(self) -> str:
        """`id, digest, created` of every row: what `count` tells copies of a row by."""
        return (
            f"SELECT CAST(id AS VARCHAR) AS id, md5({self.text_sql}) AS digest, "
            f"{self._stored_time_sql} AS created FROM {self.sql}"
        )

    @property
    def rows_sql(self) -> str:
        """`rowid, text, embedding, created_us` and `extra_columns`; another condition may follow."""
        extra = "".join(f", {quoted(name)}" for name in self.extra_columns)
        return (
            f"SELECT rowid, {self.text_sql}, {self._embedding_sql}, {self._created_sql}{extra} "
            f"FROM {self.sql} WHERE rowid BETWEEN ? AND ?"
        )

    @property
    def extra_columns(self) -> tuple[str, ...]:
        return tuple(name for name in COLUMNS if name in self.columns)

    @property
    def _embedding_sql(self) -> str:
        """As FLOAT, whose shortest text is a third of a double's."""
        if "embedding" not in self.columns:
            return "NULL"
        return f"CAST(TRY_CAST(embedding AS FLOAT[{EMBEDDING}]) AS VARCHAR)"

    @property
    def _created_sql(self) -> str:
        """A TIMESTAMP is taken as local time: Session-Buddy stores it without a time zone."""
        return self._first_time_sql("TRY_CAST({} AS TIMESTAMPTZ)")

    @property
    def _stored_time_sql(self) -> str:
        """The same whatever the time zone of this machine is: it is part of a row's identity."""
        return self._first_time_sql(
            "CASE WHEN typeof({0}) = 'TIMESTAMP WITH TIME ZONE' "
            "THEN make_timestamp(epoch_us(TRY_CAST({0} AS TIMESTAMPTZ))) "
            "ELSE TRY_CAST(CAST({0} AS VARCHAR) AS TIMESTAMP) END"
        )

    def _first_time_sql(self, cast: str) -> str:
        candidates = [
            cast.format(quoted(name))
            for name in _CREATED_COLUMNS[self.kind or "conversation"]
            if name in self.columns
        ]
        if not candidates:
            return "NULL"
        return f"TRY(epoch_us(coalesce({', '.join(candidates)})))"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sources(query: Callable[[str], list[tuple[Any, ...]]]) -> tuple[Source, ...]:
    """Every table of the database that `query` reads, the newest layout first."""
    catalogue = query(
        """SELECT schema_name, table_name, list(column_name ORDER BY column_index)
           FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name)
           WHERE database_name = current_database() AND NOT duckdb_tables.internal
           GROUP BY ALL"""
    )
    tables = [
        Source(schema, name, _kind(name, tuple(columns)), tuple(columns))
        for schema, name, columns in catalogue
    ]
    return tuple(sorted(tables, key=lambda table: (not table.name.endswith("_v2"), table.name)))


def _kind(name: str, columns: tuple[str, ...]) -> TableKind | None:
    if name in _GRAPH:
        return "graph"
    match = _MEMORIES.fullmatch(name)
    if match is None or not {"id", "content"} <= set(columns):
        return None
    return "conversation" if match[1] == "conversation" else "reflection"
