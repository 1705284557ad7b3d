"""Starting the child, listening to it, ending it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from akosha_hook.duckdb_reader import (
    NotCheckedError,
    ReadError,
    Table,
    check,
    conversation_count,
    read,
)
from akosha_hook.errors import Kind
from tests.duckdb_reader.conftest import SECONDS, everything, rows_of
from tests.support.duckdb_files import (
    contents,
)


def test_a_timeout_says_nothing_about_the_copy_and_leaves_no_file(database: Path) -> None:
    with pytest.raises(NotCheckedError, match="took longer"):
        check(database, timeout_seconds=0.0)
    assert conversation_count(database, timeout_seconds=0.0) is None
    assert set(contents(database.parent)) == {"reflection.duckdb"}


def test_a_child_that_cannot_be_started_is_an_error_of_the_reader(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example in an environment that `pre-commit gc` removed while the worker was running."""
    monkeypatch.setattr(sys, "executable", str(database.with_name("python")))
    assert conversation_count(database, timeout_seconds=SECONDS) is None
    with pytest.raises(NotCheckedError, match="could not be started"):
        check(database, timeout_seconds=SECONDS)
    with pytest.raises(ReadError, match="could not be started"):
        rows_of(database)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("print('hello')", "invalid message"),
        ("raise SystemExit('no such module')", "no such module"),
        ("pass", "exit status 0"),
        ("print('{', end='')", "exit status 0"),
    ],
)
def test_a_child_that_sends_something_else_is_an_error_of_the_reader(
    database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, message: str
) -> None:
    impostor = tmp_path / "python"
    impostor.write_text(f"#!{sys.executable}\n{program}\n")
    impostor.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(impostor))
    with pytest.raises(ReadError, match=message) as caught:
        rows_of(database)
    assert caught.value.kind is Kind.FAILED


def test_a_generator_closed_early_leaves_no_child_and_no_file(database: Path) -> None:
    messages = read(database, everything, timeout_seconds=SECONDS)
    assert isinstance(next(messages), Table)
    messages.close()
    assert set(contents(database.parent)) == {"reflection.duckdb"}
