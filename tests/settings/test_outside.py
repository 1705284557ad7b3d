"""A database that is configured outside the data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.settings.conftest import Layers

NAME = "reflection.duckdb"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("database_path: /srv/reflection.duckdb\n", ""),
        ("database: {path: /srv/reflection.duckdb}\n", " database.path"),
    ],
)
def test_it_is_known_with_its_origin(layers: Layers, text: str, name: str) -> None:
    path = layers.config(text)
    (database,) = layers.load().outside
    assert str(database.path) == "/srv/reflection.duckdb"
    assert str(database.origin) == f"{path}:1{name}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SESSION_BUDDY_DATABASE_PATH", "~/big/reflection.duckdb"),
        ("SESSION_BUDDY_DATABASE__PATH", "~/big/reflection.duckdb"),
    ],
)
def test_a_variable_says_where_it_is(layers: Layers, home: Path, variable: str, value: str) -> None:
    layers.config("database: {path: /srv/reflection.duckdb}\n")
    layers.environ[variable] = value
    (database,) = layers.load().outside
    assert database.path == home / "big" / NAME
    assert str(database.origin) == f"environment {variable}"


@pytest.mark.parametrize("value", ["~/.claude/data/reflection.duckdb", NAME, "./reflection.duckdb"])
def test_one_in_the_data_directory_is_none(layers: Layers, value: str) -> None:
    layers.config(f"database: {{path: {value}}}\n")
    loaded = layers.load()
    assert (loaded.outside, loaded.warnings) == ((), ())


def test_the_data_directory_may_be_a_link(layers: Layers, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    layers.paths.data.parent.mkdir(parents=True)
    layers.paths.data.symlink_to(tmp_path / "real")
    layers.config(f"database: {{path: {tmp_path}/real/{NAME}}}\n")
    assert layers.load().outside == ()


def test_a_relative_path_begins_in_the_data_directory(layers: Layers) -> None:
    layers.config("paths: {data_dir: /srv/memories}\ndatabase: {path: main/reflection.duckdb}\n")
    (database,) = layers.load().outside
    assert str(database.path) == "/srv/memories/main/reflection.duckdb"


@pytest.mark.parametrize(
    "value",
    ["/srv/", "/", '"~"', "/srv/..", "/srv/x.wal", "/srv/session-files.tar", "[1]", '"a\\nb"'],
)
def test_what_is_no_path_of_a_file_is_a_warning(layers: Layers, value: str) -> None:
    path = layers.config(f"database: {{path: {value}}}\n")
    loaded = layers.load()
    assert (loaded.outside, loaded.problems) == ((), ())
    (warning,) = loaded.warnings
    assert warning.startswith(f"{path}:1: database.path is ")
    assert warning.endswith("; that database is not backed up")


def test_one_that_akosha_databases_excludes_stays_out(layers: Layers) -> None:
    layers.config("database: {path: /srv/reflection.duckdb}\n")
    layers.user('akosha_databases = ["knowledge*"]\n')
    assert layers.load().outside == ()


def test_a_file_of_the_same_name_in_the_data_directory_is_pointed_out(layers: Layers) -> None:
    layers.config("database: {path: /srv/reflection.duckdb}\n")
    layers.paths.data.mkdir(parents=True)
    (layers.paths.data / NAME).touch()
    (warning,) = layers.load().warnings
    assert warning.startswith(f"{layers.paths.data / NAME} is not backed up: ")
    assert "/srv/reflection.duckdb, where Session-Buddy writes" in warning
