"""What a database carries that runs in whatever opens it: macros, views, triggers.

A macro takes the place of a built-in function of the same name, for everybody who opens the file.
Sequences, types, defaults and checks are only data: they can call built-in functions and macros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Kind = Literal["macro", "table macro", "view", "trigger"]

MAX_EACH = 10
MAX_NAME = 80
# Everything by its full name, and only operators that no macro replaces: the database may carry
# macros of the names that are used here. Nor is its own mark `internal` believed.
_OURS = """database_oid::BIGINT IN
    (SELECT database_oid::BIGINT FROM system.main.duckdb_databases() WHERE NOT internal)"""
_FUNCTIONS = f"""SELECT DISTINCT function_type, function_name
    FROM system.main.duckdb_functions() WHERE {_OURS} LIMIT {MAX_EACH}"""
_VIEWS = f"SELECT view_name FROM system.main.duckdb_views() WHERE {_OURS} LIMIT {MAX_EACH}"
_TRIGGERS = f"SELECT trigger_name FROM system.main.duckdb_triggers() WHERE {_OURS} LIMIT {MAX_EACH}"
# DuckDB has triggers since 2.0.
_HAS_TRIGGERS = """SELECT 1 FROM system.main.duckdb_functions()
    WHERE database_name = 'system' AND function_name = 'duckdb_triggers' LIMIT 1"""


def carried(query: Callable[[str], list[tuple[Any, ...]]]) -> Iterator[tuple[Kind, str]]:
    """Kind and name of each, as far as there are not too many; nothing of it is run."""
    for kind, name in query(_FUNCTIONS):
        yield ("table macro" if kind == "table_macro" else "macro"), _short(name)
    for (name,) in query(_VIEWS):
        yield "view", _short(name)
    if query(_HAS_TRIGGERS):
        for (name,) in query(_TRIGGERS):
            yield "trigger", _short(name)


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
