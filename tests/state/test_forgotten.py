"""Databases that the user gave up."""

from __future__ import annotations

from akosha_hook.paths import Paths
from akosha_hook.state import forgotten


def test_what_is_forgotten_stays_so_until_it_is_stored_again(paths: Paths) -> None:
    assert forgotten.names(paths) == frozenset()
    forgotten.add(paths, "one.duckdb")
    before = paths.forgotten.read_bytes()
    forgotten.add(paths, "one.duckdb")
    assert paths.forgotten.read_bytes() == before
    forgotten.add(paths, "two.duckdb")
    assert forgotten.names(paths) == {"one.duckdb", "two.duckdb"}
    forgotten.discard(paths, {"one.duckdb", "three.duckdb"})
    assert forgotten.names(paths) == {"two.duckdb"}
    assert paths.forgotten.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_where_nothing_was_forgotten(paths: Paths) -> None:
    forgotten.discard(paths, {"one.duckdb"})
    assert not paths.forgotten.exists()


def test_a_file_that_cannot_be_read_forgets_nothing(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.forgotten.write_text('{"names": {"../x": "now"}}')
    assert forgotten.names(paths) == frozenset()
    forgotten.add(paths, "one.duckdb")
    assert forgotten.names(paths) == {"one.duckdb"}
