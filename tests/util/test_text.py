"""Text from elsewhere cannot act on a terminal, break a line or grow without bound."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.util.text import as_json, one_line, printable, with_tilde


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("\x7f", "\\x7f"),
        ("a\rb", "a\\rb"),
        ("left\u202eright", "left\\u202eright"),
        ("\udc80", "\\udc80"),
        ("two\nlines", "two\nlines"),
        ("Übergröße ✓", "Übergröße ✓"),
    ],
)
def test_what_a_terminal_would_act_on_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_one_line_is_always_printable_and_bounded(text: str) -> None:
    shown = one_line(text, 20)
    assert shown.isprintable()
    assert len(shown) <= 20 * len("\\U0010ffff") + len("...")


def test_what_is_cut_off_is_marked() -> None:
    assert one_line("abcdef", 3) == "abc..."
    assert one_line("abc", 3) == "abc"
    assert one_line("a\nb") == "a\\nb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/.aws/config", "~/.aws/config"),
        ("rm '/home/me/x'", "rm '~/x'"),
        ("/home/me", "/home/me"),
        ("/home/mellow/x", "/home/mellow/x"),
        ("/backup/home/me/x", "/backup/home/me/x"),
    ],
)
def test_the_home_directory_is_a_tilde_at_the_start_of_a_path(text: str, shown: str) -> None:
    assert with_tilde(text, "/home/me") == shown


@pytest.mark.parametrize("home", ["", "/"])
def test_without_a_home_nothing_is_shortened(home: str) -> None:
    assert with_tilde("/etc/x", home) == "/etc/x"


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
def test_json_is_the_same_document_and_acts_on_no_terminal(document: dict[str, object]) -> None:
    text = as_json(document)
    assert json.loads(text) == document
    assert all(line.isprintable() for line in text.split("\n"))


def test_json_is_readable_where_it_can_be() -> None:
    assert as_json({"é": "\x1b\x7f\x85\u202e\U000e0001"}) == (
        '{\n  "é": "\\u001b\\u007f\\u0085\\u202e\\udb40\\udc01"\n}'
    )
