"""Plain tables and charts, in a pipe and on a terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from akosha_hook.cli.table import chart, table


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """stdout as a terminal of 20 columns that speaks UTF-8."""

    class Terminal:
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("akosha_hook.cli.table.sys", SimpleNamespace(stdout=Terminal()))
    monkeypatch.setenv("COLUMNS", "20")


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    lines = table(("Name", "Size"), [("a", "5 B"), ("longer", "1.0 kB")], right=(1,))
    assert lines == ["Name      Size", "a          5 B", "longer  1.0 kB"]


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    assert table(("x",), [("\x1b[2J",)])[1] == "\\x1b[2J"


def test_in_a_pipe_nothing_is_cut() -> None:
    assert table(("x",), [("y" * 300,)])[1] == "y" * 300


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_long_lines_are_cut() -> None:
    assert table(("x",), [("y" * 30,)])[1] == "y" * 19 + "…"


@pytest.mark.usefixtures("terminal")
def test_a_chart_is_relative_to_its_largest_value() -> None:
    assert chart([0.0, 7.0, 14.0]) == "▁▅█"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("values", [[], [1.0, 2.0], [0.0, 0.0, 0.0]])
def test_too_few_values_or_only_zeros_are_no_chart(values: list[float]) -> None:
    assert chart(values) == ""


def test_in_a_pipe_there_is_no_chart() -> None:
    assert chart([1.0, 2.0, 3.0]) == ""
