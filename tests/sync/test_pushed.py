"""What an Akosha server has been shown, as its receipt keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from akosha_hook.sync.pushed import pushed_files
from tests.support.jobs import frozen

if TYPE_CHECKING:
    from akosha_hook.paths import Paths


def test_what_was_pushed_now_has_no_key_in_any_bucket(paths: Paths) -> None:
    snapshot = frozen(paths, reflection=b"x", knowledge_graph=b"y")
    pushed = pushed_files(snapshot, {})
    assert [(each.name, each.status, each.key) for each in pushed] == [
        ("reflection.duckdb", "uploaded", ""),
        ("knowledge_graph.duckdb", "uploaded", ""),
    ]
    for file, database in zip(pushed, snapshot.databases, strict=True):
        assert (file.sha256, file.size) == (database.file.sha256, database.file.size)
        assert file.fingerprint == database.file.fingerprint


def test_sets_of_files_are_not_pushed(paths: Paths) -> None:
    snapshot = frozen(paths, reflection=b"x", knowledge_graph=b"y")
    database, other = snapshot.databases
    files = msgspec.structs.replace(other, kind="files")
    (pushed,) = pushed_files(replace(snapshot, databases=(database, files)), {})
    assert pushed.name == database.name


def test_what_was_pushed_before_and_has_not_changed_is_kept_as_unchanged(paths: Paths) -> None:
    snapshot = frozen(paths, reflection=b"x")
    before = {each.name: each for each in pushed_files(snapshot, {})}
    later = replace(snapshot, databases=(), unchanged=("reflection.duckdb",))
    (kept,) = pushed_files(later, before)
    assert kept == msgspec.structs.replace(before["reflection.duckdb"], status="unchanged")


def test_what_only_the_bucket_has_was_never_shown(paths: Paths) -> None:
    """After a fallback the known files are the bucket's."""
    snapshot = frozen(paths, reflection=b"x")
    (file,) = pushed_files(snapshot, {})
    in_the_bucket = msgspec.structs.replace(
        file, key="systems/laptop/uploads/20261122_120000_laptop/reflection.duckdb"
    )
    later = replace(snapshot, databases=(), unchanged=("reflection.duckdb",))
    assert pushed_files(later, {file.name: in_the_bucket}) == ()


def test_what_changed_is_not_listed_twice(paths: Paths) -> None:
    before = {each.name: each for each in pushed_files(frozen(paths, reflection=b"x"), {})}
    (file,) = pushed_files(frozen(paths, reflection=b"changed"), before)
    assert file.status == "uploaded"
    assert file.sha256 != before[file.name].sha256
