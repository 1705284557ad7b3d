"""The table of settings as data: what `fields.py` declares, one row per field."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from akosha_hook.settings.fields import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from akosha_hook.settings.fields import RepositoryRule

Kind = Literal["string", "bool", "int", "float", "list"]

# Session-Buddy's own settings that are followed.
DATA_DIR = "data_dir"
DATABASE_PATH = "database_path"


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `type` is its full annotation, for msgspec; `allowed` finishes "must be ..."."""

    name: str
    kind: Kind
    type: Any
    default: Any
    help: str
    allowed: str
    choices: tuple[str, ...]
    repository: RepositoryRule | None
    safe_to_default: bool


@functools.cache
def table() -> Mapping[str, Field]:
    """Every field by name, in the order of `Settings`."""
    import msgspec.inspect

    hints = get_type_hints(Settings, include_extras=True)
    information = msgspec.inspect.type_info(Settings)
    assert isinstance(information, msgspec.inspect.StructType)
    return {row.name: _field(row, hints[row.name]) for row in information.fields}


@functools.cache
def session_buddys() -> Mapping[str, Field]:
    """Session-Buddy's own settings that are followed, by their flat names."""
    text = replace(table()["akosha_data_dir"], help="")
    return {name: replace(text, name=name) for name in (DATA_DIR, DATABASE_PATH)}


def _field(row: msgspec.inspect.Field, hint: Any) -> Field:
    described = row.type
    assert isinstance(described, msgspec.inspect.Metadata)
    kind, allowed = _shape(described.type)
    declared = get_args(hint)[0]
    choices = get_args(declared) if get_origin(declared) is Literal else ()
    if choices:
        allowed = f"one of {', '.join(each or 'empty' for each in choices)}"
    return Field(
        name=row.name,
        kind=kind,
        type=hint,
        default=row.default,
        help=(described.extra_json_schema or {})["description"],
        allowed=allowed,
        choices=choices,
        repository=(described.extra or {})["repository"],
        safe_to_default=(described.extra or {})["safe_to_default"],
    )


def _shape(shape: msgspec.inspect.Type) -> tuple[Kind, str]:
    match shape:
        case msgspec.inspect.BoolType():
            return "bool", "true or false"
        case msgspec.inspect.IntType():
            return "int", f"a whole number from {shape.ge} to {shape.le}"
        case msgspec.inspect.FloatType():
            return "float", f"a number from {shape.ge} to {shape.le}"
        case msgspec.inspect.VarTupleType():
            return "list", "a list of names, at least one"
        case _:
            return "string", "text"
