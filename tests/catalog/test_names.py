"""Which names of files a manifest of somebody else's may have."""

from __future__ import annotations

import pytest

from akosha_hook.catalog.names import is_database_name


@pytest.mark.parametrize(
    "name", ["reflection.duckdb", "Activity.DB", "a b.sqlite3", "gedächtnis.duckdb", "memories"]
)
def test_what_databases_are_called_is_believed(name: str) -> None:
    assert is_database_name(name, ("memories",))


@pytest.mark.parametrize(
    "name", ["settings.json", ".bashrc", ".x.duckdb", "-x.db", "x.duckdb.sh", "duckdb", "memories"]
)
def test_other_names_are_not_not_even_by_a_glob(name: str) -> None:
    assert not is_database_name(name, ("*", "mem*"))
