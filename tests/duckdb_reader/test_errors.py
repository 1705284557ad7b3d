"""What a failure that the child reports means to the parent."""

from __future__ import annotations

import pytest

from akosha_hook.duckdb_reader.errors import read_error
from akosha_hook.duckdb_reader.messages import Failure
from akosha_hook.errors import Kind


@pytest.mark.parametrize("kind", [Kind.DAMAGED, Kind.FAILED])
def test_a_failure_keeps_its_kind_and_message(kind: Kind) -> None:
    error = read_error(Failure(kind, "what DuckDB said"))
    assert (error.kind, error.message, error.hint) == (kind, "what DuckDB said", "")


def test_a_file_that_is_too_new_comes_with_the_command_that_updates_duckdb() -> None:
    error = read_error(Failure(Kind.TOO_NEW, "version number 999"))
    assert error.kind is Kind.TOO_NEW
    assert error.hint == "pip install -U duckdb"


def test_a_kind_that_nobody_knows_says_nothing_about_the_file() -> None:
    assert read_error(Failure("from the future", "?")).kind is Kind.FAILED
