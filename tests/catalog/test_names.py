"""Which names of files a manifest of somebody else's may have."""

from __future__ import annotations

import pytest

from akosha_hook.catalog.names import is_database_name, may_be_called_so
from akosha_hook.format.manifest import StoredFile, StoredKind


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


def stored(name: str, kind: StoredKind) -> StoredFile:
    return StoredFile(
        name=name,
        database=name,
        key=f"systems/laptop/uploads/1/{name}",
        size=1,
        stored_size=1,
        sha256="0" * 64,
        compression="identity",
        kind=kind,
    )


@pytest.mark.parametrize(
    ("name", "kind", "believed"),
    [
        ("session-files.tar", "files", True),
        ("claude-transcripts.tar", "files", True),
        ("other.tar", "files", False),
        ("activity.db", "files", False),
        ("session-files.tar", "", False),
        ("session-files.tar", "duckdb", False),
        ("activity.db", "sqlite", True),
    ],
)
def test_sets_have_the_names_that_sets_have(name: str, kind: StoredKind, believed: bool) -> None:
    assert may_be_called_so(stored(name, kind), ()) is believed
