"""Changing a JSON document as data while its text keeps its order, indentation and line ends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from akosha_hook.errors import AkoshaHookError

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_TRAILING_COMMA = re.compile(r",[ \t\r\n]*[}\]]")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_UTF8_BOM = b"\xef\xbb\xbf"

Path = tuple[str | int, ...]


class JSONTextError(AkoshaHookError):
    """The text is not JSON that can be changed safely.

    The message says why and where, as a verb and its object: what has the text comes before it.
    """


@dataclass(frozen=True, slots=True)
class _Item:
    """A member or an element: `start` is where it (or its key) begins, `end` is just after it."""

    name: str | int
    start: int
    value: int
    end: int


def decode(data: bytes) -> tuple[str, str]:
    """The byte order mark, or "", and the text.

    Raises JSONTextError for anything but UTF-8.
    """
    mark = "\ufeff" if data.startswith(_UTF8_BOM) else ""
    try:
        return mark, data.removeprefix(_UTF8_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise JSONTextError(f"is not UTF-8 text (line {line})") from error


def parse(text: str) -> Any:
    """The document; an empty one is an empty object, as Claude Code reads it.

    Raises JSONTextError with line and column for what is not strict JSON, and for a key that an
    object has twice: no edit could tell which of the two is meant.
    """
    if not text.strip():
        return {}
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JSONTextError(f"is not valid JSON: {_syntax_error(text, error.pos)}") from error
    except RecursionError as error:
        raise JSONTextError("is nested too deeply") from error


def _syntax_error(text: str, position: int) -> str:
    """What is wrong at `position`, and where that is: the same words under every version of Python."""
    if (comma := _TRAILING_COMMA.match(text, position)) is not None:
        # Python 3.13 reports the comma, earlier versions the bracket after it.
        position = comma.end() - 1
    if position >= len(text):
        what = "it ends too early"
    elif text[position] == '"':
        what = "unexpected string" if _STRING.match(text, position) else "a string without its end"
    else:
        what = f"unexpected {text[position]!r}"
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"{what} (line {line}, column {column})"


def edit(text: str, new: Any) -> str:
    """`text` changed only where needed so that it parses to `new`.

    Keys stay in the order they have; new ones follow.
    """
    if not text.strip():
        return json.dumps(new, indent=2, ensure_ascii=False) + "\n"
    document = _Document(text)
    document.change((), parse(text), new)
    if _dumped(parse(document.text)) != _dumped(new):
        raise JSONTextError("cannot be changed safely")
    return document.text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise JSONTextError(f"has the key {json.dumps(twice)} twice in one object")
    return document


def _refuse_constant(name: str) -> None:
    raise JSONTextError(f"is not valid JSON: {name} is not a JSON value")


def _dumped(value: Any) -> str:
    """For a comparison that, unlike ==, tells 1 from true."""
    return json.dumps(value, sort_keys=True)


class _Document:
    """A text being changed; every edit keeps it valid JSON."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        indented = re.search(r"[{\[][ \t]*\r?\n([ \t]+)\S", text)
        self._unit = indented.group(1) if indented else "  "
        self._one_line = "\n" not in text.strip() and bool(self._items(()))
        compact = self._one_line and not re.search(r'[,:] ["\[{\d]', text)
        self._separators = (",", ":") if compact else (", ", ": ")

    def change(self, path: Path, old: Any, new: Any) -> None:
        if _dumped(old) == _dumped(new):
            return
        if isinstance(old, dict) and isinstance(new, dict):
            self._change_object(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            self._change_array(path, old, new)
        else:
            start, end = self._locate(path)
            self._splice(start, end, self._render(new, start))

    def _change_object(self, path: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
        for key in reversed(old):
            if key not in new:
                self._delete(path, key)
        for key, value in new.items():
            if key in old:
                self.change((*path, key), old[key], value)
            else:
                self._insert(path, len(self._items(path)), value, key)

    def _change_array(self, path: Path, old: list[Any], new: list[Any]) -> None:
        matcher = SequenceMatcher(None, [_dumped(x) for x in old], [_dumped(x) for x in new], False)
        for operation, i1, i2, j1, j2 in reversed(matcher.get_opcodes()):
            if operation == "equal":
                continue
            common = min(i2 - i1, j2 - j1)
            for index in reversed(range(i1 + common, i2)):
                self._delete(path, index)
            for offset in range(common, j2 - j1):
                self._insert(path, i1 + offset, new[j1 + offset])
            for offset in range(common):
                self.change((*path, i1 + offset), old[i1 + offset], new[j1 + offset])

    def _insert(self, path: Path, position: int, value: Any, key: str | None = None) -> None:
        """Make `value` the item number `position` of the container at `path`."""
        start, end = self._locate(path)
        items = self._items(path)
        inside = self._inside_newline(start, items)
        rendered = "" if key is None else json.dumps(key, ensure_ascii=False) + self._separators[1]
        rendered += self._render(value, start, nested=True, one_line=not inside)
        if not items:
            closing = inside and self._newline + self._indent_at(start)
            self._splice(start + 1, end - 1, inside + rendered + closing)
        elif position == 0:
            between = inside or self._separators[0][1:]
            self._splice(items[0].start, items[0].start, rendered + "," + between)
        else:
            before = items[position - 1].end
            between = inside or self._separators[0][1:]
            self._splice(before, before, "," + between + rendered)

    def _delete(self, path: Path, name: str | int) -> None:
        start, end = self._locate(path)
        items = self._items(path)
        index = next(i for i, item in enumerate(items) if item.name == name)
        if len(items) == 1:
            self._splice(start + 1, end - 1, "")
        elif index == len(items) - 1:
            self._splice(items[index - 1].end, items[index].end, "")
        else:
            self._splice(items[index].start, items[index + 1].start, "")

    def _splice(self, start: int, end: int, replacement: str) -> None:
        self.text = self.text[:start] + replacement + self.text[end:]

    def _inside_newline(self, start: int, items: list[_Item]) -> str:
        """What precedes an item of this container; "" where its items share one line."""
        if items:
            gap = self.text[start + 1 : items[0].start]
            return self._newline + gap.rpartition("\n")[2] if "\n" in gap else ""
        return "" if self._one_line else self._newline + self._indent_at(start) + self._unit

    def _indent_at(self, position: int) -> str:
        line = self.text[self.text.rfind("\n", 0, position) + 1 :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _render(
        self, value: Any, container: int, *, nested: bool = False, one_line: bool = False
    ) -> str:
        if self._one_line or one_line:
            return json.dumps(value, ensure_ascii=False, separators=self._separators)
        outer = self._indent_at(container) + (self._unit if nested else "")
        lines = json.dumps(value, ensure_ascii=False, indent=self._unit).split("\n")
        return (self._newline + outer).join(lines)

    def _locate(self, path: Path) -> tuple[int, int]:
        """Where the value at `path` starts and ends."""
        start = _skip_blank(self.text, 0)
        end = _end_of(self.text, start)
        for depth, name in enumerate(path):
            item = next(each for each in self._items(path[:depth]) if each.name == name)
            start, end = item.value, item.end
        return start, end

    def _items(self, path: Path) -> list[_Item]:
        start, _ = self._locate(path)
        return _items(self.text, start)


def _items(text: str, start: int) -> list[_Item]:
    """The items of the container that opens at `start`; a plain value has none."""
    items: list[_Item] = []
    if text[start] not in "{[":
        return items
    position = _skip_blank(text, start + 1)
    while text[position] not in "}]":
        name: str | int = len(items)
        value = position
        if text[start] == "{":
            name, after = _DECODER.raw_decode(text, position)
            value = _skip_blank(text, _skip_blank(text, after) + 1)
        end = _end_of(text, value)
        items.append(_Item(name, position, value, end))
        position = _skip_blank(text, end)
        if text[position] == ",":
            position = _skip_blank(text, position + 1)
    return items


def _end_of(text: str, start: int) -> int:
    end: int = _DECODER.raw_decode(text, start)[1]
    return end


def _skip_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    assert match is not None
    return match.end()
