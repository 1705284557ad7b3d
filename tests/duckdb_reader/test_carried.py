"""What a database carries that would run in whatever opens it."""

from __future__ import annotations

from pathlib import Path

from akosha_hook.duckdb_reader import inspect
from akosha_hook.duckdb_reader.carried import MAX_EACH, MAX_NAME
from tests.duckdb_reader.conftest import SECONDS
from tests.support.duckdb_files import crash_after, make


def carried(path: Path) -> tuple[str, ...]:
    return inspect(path, timeout_seconds=SECONDS).carries


def test_session_buddys_own_carries_nothing(database: Path) -> None:
    assert inspect(database, timeout_seconds=SECONDS) == (None, ())


def test_data_of_any_kind_is_nothing_that_runs(tmp_path: Path) -> None:
    path = make(
        tmp_path / "x.duckdb",
        "CREATE SEQUENCE s",
        "CREATE TYPE mood AS ENUM ('a', 'b')",
        "CREATE TABLE t (id INT DEFAULT nextval('s'), m mood, w TIMESTAMP DEFAULT now(), CHECK (id > 0))",
        "CREATE INDEX i ON t (m)",
        "CREATE SCHEMA other",
    )
    assert carried(path) == ()


def test_macros_and_views_are_found_in_any_schema_and_in_the_wal(tmp_path: Path) -> None:
    path = make(tmp_path / "x.duckdb", "CREATE SCHEMA s", "CREATE VIEW s.v AS SELECT 1")
    crash_after(path, "CREATE MACRO s.now() AS 1")
    assert set(carried(path)) == {"the macro now", "the view v"}


def test_what_looks_for_them_cannot_be_replaced(tmp_path: Path) -> None:
    path = make(
        tmp_path / "system.duckdb",
        "CREATE SCHEMA system",
        "CREATE MACRO duckdb_functions() AS TABLE SELECT 1 WHERE false",
        "CREATE MACRO duckdb_views() AS TABLE SELECT 1 WHERE false",
        "CREATE MACRO duckdb_databases() AS TABLE SELECT 1 WHERE false",
        "CREATE VIEW v AS SELECT 1",
    )
    assert set(carried(path)) == {
        "the table macro duckdb_functions",
        "the table macro duckdb_views",
        "the table macro duckdb_databases",
        "the view v",
    }


def test_however_many_there_are_a_few_are_named(tmp_path: Path) -> None:
    long = "m" * 1000
    path = make(
        tmp_path / "x.duckdb",
        *(f"CREATE VIEW v{number} AS SELECT 1" for number in range(30)),
        f"CREATE MACRO {long}() AS 1",
    )
    found = carried(path)
    assert len(found) == MAX_EACH + 1
    assert f"the macro {'m' * MAX_NAME}…" in found
