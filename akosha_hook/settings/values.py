"""One raw value, from a file or from text, turned into its field's type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from akosha_hook.settings.table import Field

MAX_TEXT = 4096
MAX_NAMES = 100
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})

_INT = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})(e[+-]?[0-9]{1,3})?", re.ASCII
)


class RejectedError(Exception):
    """A value that its field does not accept; the text completes "... but must be"."""


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A value that the file's own format could not interpret."""

    text: str

    def __str__(self) -> str:
        return self.text


def from_text(field: Field, text: str) -> Any:
    """`text` as the environment and the command line write values: 1/yes/on, lists by comma."""
    return from_native(field, _parsed(field, text))


def _parsed(field: Field, text: str) -> object:
    stripped = text.strip()
    if field.kind == "bool" and stripped.lower() in TRUE | FALSE:
        return stripped.lower() in TRUE
    if field.kind == "int" and _INT.fullmatch(stripped):
        return int(stripped)
    if field.kind == "float" and _FLOAT.fullmatch(stripped.lower()):
        return float(stripped)
    if field.kind == "list":
        return [each.strip() for each in text.split(",") if each.strip()]
    return text


def from_native(field: Field, value: object) -> Any:
    """`value` as a file gives it; raises RejectedError."""
    if field.choices and isinstance(value, str):
        value = _choice(field, value)
    if isinstance(value, list) and len(value) > MAX_NAMES:
        raise RejectedError(f"a list of at most {MAX_NAMES} names")
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            _check_text(each)
    try:
        return msgspec.convert(value, field.type)
    except (msgspec.ValidationError, OverflowError) as error:
        raise RejectedError(_allowed(field, value)) from error


def _choice(field: Field, value: str) -> str:
    """The choice that `value` spells, whatever its case."""
    return next((each for each in field.choices if each.lower() == value.strip().lower()), value)


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT:
        raise RejectedError(f"at most {MAX_TEXT} characters long")
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):  # noqa: PLR2004 - C0, DEL, C1
        raise RejectedError("free of control characters and line breaks")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise RejectedError("UTF-8 text")


def _allowed(field: Field, value: object) -> str:
    if field.kind == "string" and not field.choices and not isinstance(value, (list, dict)):
        return "text (put it in quotes)"
    return field.allowed
