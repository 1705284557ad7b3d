from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from akosha_hook.duckdb_reader import Key, Row, Table, read
from tests.support.duckdb_files import crash_after, make

FLOATS = "[" + ", ".join(["0.5"] * 384) + "]"


def all_of(path: Path) -> tuple[list[Table], list[Key], list[Row]]:
    keys: list[Key] = []

    def every(table: Table, some: list[Key]) -> list[int]:
        keys.extend(some)
        return [key.rowid for key in some]

    messages = list(read(path, every, timeout_seconds=60))
    tables = [each for each in messages if isinstance(each, Table)]
    return tables, keys, [each for each in messages if isinstance(each, Row)]


def one_row(path: Path) -> Row:
    (row,) = all_of(path)[2]
    return row


def test_every_layout_of_session_buddy_is_read_the_newest_first(tmp_path: Path) -> None:
    path = make(
        tmp_path / "r.duckdb",
        *(
            f"CREATE TABLE {name} AS SELECT '{name}' AS id, 'text' AS content"
            for name in ("conversations", "default_reflections", "conversations_v2")
        ),
        "CREATE TABLE conversations_legacy AS SELECT 'conversations_legacy' AS id, 'x' AS content",
        "CREATE TABLE conversations_archive_note AS SELECT 'no' AS id, 'no' AS content",
        "CREATE TABLE team_conversations AS SELECT 'no content column' AS id",
        "CREATE TABLE kg_entities AS SELECT 'e' AS id",
    )
    tables, keys, _ = all_of(path)
    assert [(table.name, table.kind) for table in tables] == [
        ("conversations_v2", "conversation"),
        ("conversations", "conversation"),
        ("conversations_legacy", "conversation"),
        ("default_reflections", "reflection"),
        ("kg_entities", "graph"),
    ]
    assert [key.id for key in keys] == [table.name for table in tables[:-1]]


def test_a_table_of_another_schema_or_an_odd_name_is_read_too(tmp_path: Path) -> None:
    path = make(
        tmp_path / "r.duckdb",
        'CREATE SCHEMA "odd ""name"',
        'CREATE TABLE "odd ""name".conversations AS SELECT 1 AS id, \'text\' AS content',
    )
    assert one_row(path).text == "text"


@pytest.mark.parametrize("blank", ["''", "NULL", "' '", "E'\\n\\t '"])
def test_a_blank_text_is_marked_empty(tmp_path: Path, blank: str) -> None:
    path = make(
        tmp_path / "r.duckdb",
        f"CREATE TABLE conversations AS SELECT 'a' AS id, {blank}::VARCHAR AS content",
    )
    assert [key.empty for key in all_of(path)[1]] == [True]


def test_the_reasoning_is_part_of_the_text_and_of_its_digest(tmp_path: Path) -> None:
    path = make(
        tmp_path / "r.duckdb",
        "CREATE TABLE conversations (id VARCHAR, content VARCHAR, reasoning VARCHAR)",
        "INSERT INTO conversations VALUES ('a', 'text', NULL), ('b', 'text', ''), "
        "('c', 'text', 'why'), ('d', '', 'why')",
    )
    _, keys, rows = all_of(path)
    assert [row.text for row in rows] == [
        "text",
        "text",
        "text\n\nReasoning: why",
        "Reasoning: why",
    ]
    assert keys[0].digest == keys[1].digest
    assert len({key.digest for key in keys}) == 3


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("FLOAT[384]", FLOATS),
        ("FLOAT[]", FLOATS),
        ("DOUBLE[]", FLOATS),
        ("VARCHAR", f"'{FLOATS}'"),
        ("JSON", f"'{FLOATS}'"),
    ],
)
def test_an_embedding_of_any_column_type_is_a_json_array(
    tmp_path: Path, type_: str, value: str
) -> None:
    path = make(
        tmp_path / "r.duckdb",
        f"CREATE TABLE conversations (id VARCHAR, content VARCHAR, embedding {type_})",
        f"INSERT INTO conversations VALUES ('a', 'text', {value})",
    )
    assert one_row(path).embedding == FLOATS


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("FLOAT[384]", "NULL"),
        ("FLOAT[]", "[0.5, 0.5]"),
        ("FLOAT[]", "list_resize([0.5::FLOAT], 384, 'nan'::FLOAT)"),
        ("FLOAT[]", "list_resize([0.5::FLOAT], 384, 'inf'::FLOAT)"),
        ("FLOAT[]", "list_resize([0.5::FLOAT], 384, NULL)"),
        ("VARCHAR", "'not numbers'"),
        ("BLOB", "'ab'::BLOB"),
    ],
)
def test_an_unusable_embedding_counts_as_none(tmp_path: Path, type_: str, value: str) -> None:
    path = make(
        tmp_path / "r.duckdb",
        f"CREATE TABLE conversations (id VARCHAR, content VARCHAR, embedding {type_})",
        f"INSERT INTO conversations VALUES ('a', 'text', {value})",
    )
    assert one_row(path).embedding is None


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("TIMESTAMP", "'2026-07-01 12:00:00'", 1_782_921_600),
        ("TIMESTAMP", "'2026-01-01 12:00:00.5'", 1_767_286_800.5),
        ("TIMESTAMPTZ", "'2026-07-01 12:00:00+00'", 1_782_907_200),
        ("VARCHAR", "'2026-07-01T12:00:00+00:00'", 1_782_907_200),
        ("VARCHAR", "'yesterday'", None),
        ("TIMESTAMP", "'infinity'", None),
        ("TIMESTAMP", "NULL", None),
    ],
)
def test_a_timestamp_without_a_zone_is_local_time_as_session_buddy_writes_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    type_: str,
    value: str,
    expected: float | None,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    path = make(
        tmp_path / "r.duckdb",
        f"CREATE TABLE conversations (id VARCHAR, content VARCHAR, created_at {type_})",
        f"INSERT INTO conversations VALUES ('a', 'text', {value})",
    )
    created = one_row(path).created_us
    assert created == (None if expected is None else expected * 1_000_000)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("TIMESTAMP", "'2026-07-01 12:00:00.25'", 1_782_907_200.25),
        ("TIMESTAMPTZ", "'2026-07-01 12:00:00+00'", 1_782_907_200),
        ("VARCHAR", "'2026-07-01T12:00:00+00:00'", 1_782_907_200),
        ("VARCHAR", "'yesterday'", None),
        ("TIMESTAMP", "'infinity'", None),
        ("TIMESTAMP", "NULL", None),
    ],
)
def test_a_keys_time_is_the_same_in_every_time_zone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    type_: str,
    value: str,
    expected: float | None,
) -> None:
    monkeypatch.setenv("TZ", zone)
    path = make(
        tmp_path / "r.duckdb",
        f"CREATE TABLE conversations (id VARCHAR, content VARCHAR, created_at {type_})",
        f"INSERT INTO conversations VALUES ('a', 'text', {value})",
    )
    ((key,),) = (all_of(path)[1],)
    assert key.created == (None if expected is None else expected * 1_000_000)


def test_empty_columns_are_left_out(tmp_path: Path) -> None:
    path = make(
        tmp_path / "r.duckdb",
        "CREATE TABLE conversations AS SELECT 'a' AS id, 'text' AS content, 'web' AS project, "
        "'' AS category, NULL::VARCHAR AS namespace, []::VARCHAR[] AS tags, "
        "'nan'::FLOAT AS importance_score, 'secret' AS unknown_column",
    )
    assert one_row(path).columns == {"project": "web"}


@pytest.mark.parametrize("leave", [make, crash_after])
def test_rows_larger_than_the_first_memory_limits_are_read(
    tmp_path: Path, leave: Callable[..., Path]
) -> None:
    """In the file and in a WAL, over whose rows DuckDB hangs once it has run out of memory."""
    path = leave(
        tmp_path / "r.duckdb",
        "CREATE TABLE conversations (id VARCHAR, content VARCHAR)",
        "INSERT INTO conversations SELECT i, repeat('0123456789', 1_000_000) || i FROM range(9) t(i)",
    )
    assert [len(row.text) for row in all_of(path)[2]] == [10_000_001] * 9
