"""The databases that the demo, the tests and the benches make."""

from __future__ import annotations

from pathlib import Path

import duckdb

from akosha_hook.demo.databases import (
    add_conversations,
    make_databases,
    make_graph_database,
    make_reflection_database,
)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_both_databases_are_closed_and_checkpointed(tmp_path: Path) -> None:
    make_databases(tmp_path / "data", conversations=7)
    assert {each.name for each in (tmp_path / "data").iterdir()} == {
        "reflection.duckdb",
        "knowledge_graph.duckdb",
    }
    database = tmp_path / "data" / "reflection.duckdb"
    assert rows(database, "SELECT count(*) FROM conversations_v2") == [(7,)]
    assert rows(database, "SELECT count(*) FROM reflections_v2") == [(20,)]


def test_the_same_arguments_give_the_same_rows(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_reflection_database(tmp_path / name, conversations=3, reflections=2)
        with duckdb.connect(str(tmp_path / name)) as connection:
            add_conversations(connection, 2, start=3)
    query = "SELECT * FROM conversations_v2 ORDER BY id"
    assert len(rows(tmp_path / "one", query)) == 5
    assert rows(tmp_path / "one", query) == rows(tmp_path / "two", query)


def test_the_graph_has_as_many_entities_as_asked_for(tmp_path: Path) -> None:
    make_graph_database(tmp_path / "graph", entities=4)
    assert rows(tmp_path / "graph", "SELECT id FROM kg_entities ORDER BY id") == [
        (f"entity-{number}",) for number in range(4)
    ]
