"""Changing JSON as data keeps the text around the change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akosha_hook.install import json_text

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
LAYOUTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"indent": 2},
        {"indent": 4},
        {"indent": "\t"},
        {"indent": None},
        {"separators": (",", ":")},
    ]
)


@given(old=VALUES, new=VALUES, layout=LAYOUTS, crlf=st.booleans(), ascii_only=st.booleans())
def test_any_document_becomes_any_other(
    old: Any, new: Any, layout: dict[str, Any], crlf: bool, ascii_only: bool
) -> None:
    text = json.dumps(old, ensure_ascii=ascii_only, **layout)
    text = text.replace("\n", "\r\n") if crlf else text
    after = json.loads(json_text.edit(text, new))
    assert json.dumps(after, sort_keys=True) == json.dumps(new, sort_keys=True)


def test_foreign_text_stays_as_it_is() -> None:
    text = '{\n    "z": [1, 2.50, "\\u00e9"],\n\n    "a" : {"b":1 },\n    "hooks": {}\n}'
    new = json_text.parse(text)
    new["hooks"] = {"Stop": [1]}
    assert json_text.edit(text, new) == text.replace(
        '"hooks": {}',
        '"hooks": {\n        "Stop": [\n            1\n        ]\n    }',
    )


def test_a_document_on_one_line_stays_on_one_line() -> None:
    assert json_text.edit('{"a":1}', {"a": 1, "b": [{}]}) == '{"a":1,"b":[{}]}'
    assert json_text.edit('{"a": 1}\n', {"a": 1, "b": [2]}) == '{"a": 1, "b": [2]}\n'


def test_line_ends_are_kept() -> None:
    text = '{\r\n\t"a": 1\r\n}\r\n'
    assert json_text.edit(text, {"a": 1, "b": [2]}) == (
        '{\r\n\t"a": 1,\r\n\t"b": [\r\n\t\t2\r\n\t]\r\n}\r\n'
    )


def test_an_element_is_taken_out_of_the_middle_and_the_end() -> None:
    text = '{\n  "a": [\n    1,\n    2,\n    3\n  ]\n}\n'
    assert json_text.edit(text, {"a": [1, 3]}) == '{\n  "a": [\n    1,\n    3\n  ]\n}\n'
    assert json_text.edit(text, {"a": [1, 2]}) == '{\n  "a": [\n    1,\n    2\n  ]\n}\n'
    assert json_text.edit(text, {"a": []}) == '{\n  "a": []\n}\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": 1,}', "unexpected '}' \\(line 1, column 9"),
        ('{"a": 1,\n }', "unexpected '}' \\(line 2, column 2"),
        ("[1,]", "unexpected ']' \\(line 1, column 4"),
        ("[1,,2]", "unexpected ',' \\(line 1, column 4"),
        ('{\n  // no\n  "a": 1\n}', "unexpected '/' \\(line 2, column 3"),
        ('{"a": 1', "it ends too early \\(line 1, column 8"),
        ('{"a": 1 "b": 2}', "unexpected string \\(line 1, column 9"),
        ('{"a": "b}', "a string without its end \\(line 1, column 7"),
        ('{"a": "b\nc"}', r"unexpected '\\n' \(line 1, column 9"),
        ("{} x", "unexpected 'x' \\(line 1, column 4"),
        ('{"a": NaN}', "NaN is not a JSON value"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 'has the key "c" twice'),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(json_text.JSONTextError, match=complaint):
        json_text.parse(text)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(json_text.JSONTextError, match="line 2"):
        json_text.decode(b'{\n"a": "\xff"}')
    assert json_text.decode(b'\xef\xbb\xbf{"a": 1}') == ("\ufeff", '{"a": 1}')
