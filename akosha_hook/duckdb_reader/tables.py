"""Which tables of a database hold memories, and the SQL that reads them.

Session-Buddy has written `conversations_v2`, `conversations` and `<collection>_conversations`,
with different columns: everything is looked up in the catalogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from akosha_hook.duckdb_reader.messages import Kind

EMBEDDING = 384
_MEMORIES = re.compile(r"(?:\w+_)?(conversation|reflection)s(?:_v2)?")
_GRAPH = frozenset({"kg_entities", "kg_relationships"})

# Akosha keeps source, type and original_id today; the rest is there for the day it keeps more.
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
)
_MOMENTS: dict[Kind, tuple[str, ...]] = {
    "conversation": ("timestamp", "created_at"),
    "reflection": ("created_at", "timestamp"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """A table in the catalogue; `columns` are its columns in their own order."""

    schema: str
    name: str
    kind: Kind | None
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def text_sql(self) -> str:
        """The content, and the reasoning after it: Akosha has one text for a memory."""
        content = "nullif(CAST(content AS VARCHAR), '')"
        if "reasoning" not in self.columns:
            return f"coalesce({content}, '')"
        reasoning = "'Reasoning: ' || nullif(CAST(reasoning AS VARCHAR), '')"
        return f"concat_ws(chr(10) || chr(10), {content}, {reasoning})"

    @property
    def keys_sql(self) -> str:
        """`rowid, id, digest, empty` of the rows between two rowids."""
        return (
            f"SELECT rowid, CAST(id AS VARCHAR), md5({self.text_sql}), "
            f"NOT regexp_matches({self.text_sql}, '\\S') FROM {self.sql} "
            "WHERE rowid BETWEEN ? AND ?"
        )

    @property
    def rows_sql(self) -> str:
        """`rowid, text, embedding, created_us` and `extra_columns`; a rowid filter may follow."""
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
        """The shortest text that is the same float: a third of what a double would take."""
        if "embedding" not in self.columns:
            return "NULL"
        return f"CAST(TRY_CAST(embedding AS FLOAT[{EMBEDDING}]) AS VARCHAR)"

    @property
    def _created_sql(self) -> str:
        """Session-Buddy's clock is the local one: DuckDB turned its moments into TIMESTAMP so."""
        found = [
            f"TRY_CAST({quoted(name)} AS TIMESTAMPTZ)"
            for name in _MOMENTS[self.kind or "conversation"]
            if name in self.columns
        ]
        return f"TRY(epoch_us(coalesce({', '.join(found)})))" if found else "NULL"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sources(query: Callable[[str], list[tuple[Any, ...]]]) -> tuple[Source, ...]:
    """Every table of the database that answers `query`; of memories the newest layout first."""
    found = query(
        """SELECT schema_name, table_name, list(column_name ORDER BY column_index)
           FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name)
           WHERE database_name = current_database() AND NOT duckdb_tables.internal
           GROUP BY ALL"""
    )
    tables = [
        Source(schema, name, _kind(name, tuple(columns)), tuple(columns))
        for schema, name, columns in found
    ]
    return tuple(sorted(tables, key=lambda table: (not table.name.endswith("_v2"), table.name)))


def _kind(name: str, columns: tuple[str, ...]) -> Kind | None:
    if name in _GRAPH:
        return "graph"
    match = _MEMORIES.fullmatch(name)
    if match is None or not {"id", "content"} <= set(columns):
        return None
    return "conversation" if match[1] == "conversation" else "reflection"
