"""Each layer of settings as candidates: a field, a raw value, and its origin."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from akosha_hook.settings.document import Entry, UnreadableError, place
from akosha_hook.settings.fields import ENVIRONMENT_PREFIX
from akosha_hook.settings.table import Field, table
from akosha_hook.settings.toml_file import toml_entries
from akosha_hook.settings.wording import (
    CREDENTIALS_BELONG,
    is_credential_name,
    similar,
)
from akosha_hook.settings.yaml_file import read_yaml
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_MESSAGES = 20
SESSION_BUDDY_DATA_DIR = "data_dir"


class Layer(StrEnum):
    """Where a value came from, highest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    USER = "user"
    LOCAL = "local"
    BASE = "base"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """`name` is the key, variable or option as it is written there."""

    layer: Layer
    file: Path | None
    line: int | None
    name: str

    @property
    def place(self) -> str:
        """The file and line, or the layer, as a message begins with it."""
        return place(self.file, self.line) if self.file else self.layer.value

    def __str__(self) -> str:
        return f"{self.place} {self.name}" if self.layer is Layer.ENVIRONMENT else self.place


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value one layer offers; `textual` where it is written as in the environment."""

    field: Field
    value: Any
    origin: Origin
    textual: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """One layer. `unsafe` are the fields whose values in it cannot be used; None: any may be.

    `data_dir` is Session-Buddy's own setting, which our akosha_data_dir falls back to.
    """

    candidates: tuple[Candidate, ...] = ()
    data_dir: Candidate | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unsafe: frozenset[str] | None = frozenset()


def command_line(overrides: Mapping[str, object]) -> Content:
    """Values of command-line options, typed or as text; None is not set."""
    rows = table()
    return Content(
        tuple(
            Candidate(
                rows[name],
                value,
                Origin(Layer.COMMAND_LINE, None, None, name),
                textual=isinstance(value, str),
            )
            for name, value in overrides.items()
            if value is not None
        )
    )


def environment(environ: Mapping[str, str]) -> Content:
    """`SESSION_BUDDY_` and the upper-case field; other variables of Session-Buddy are its own."""
    ours = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name.isupper()
    }
    entries = [Entry(key, value, None) for key, value in ours.items() if _is_of_interest(key)]
    return _sorted_out(entries, Layer.ENVIRONMENT, None)


def user_toml(path: Path) -> Content:
    """The user's own TOML file: every key in it is meant for us."""
    return _file(path, Layer.USER)


def yaml_layer(path: Path, layer: Layer) -> Content:
    """One of Session-Buddy's YAML files, which holds its own keys too."""
    return _file(path, layer)


def _file(path: Path, layer: Layer) -> Content:
    try:
        entries = toml_entries(path) if layer is Layer.USER else read_yaml(path, _is_of_interest)
    except UnreadableError as error:
        return Content(problems=(str(error),), unsafe=None)
    return _sorted_out(entries, layer, path)


def _is_of_interest(key: str) -> bool:
    return (
        key.lower().startswith("akosha")
        or key in table()
        or key == SESSION_BUDDY_DATA_DIR
        or (key.lower().startswith(("aws_", "minio_", "s3_", "r2_")) and is_credential_name(key))
    )


def _sorted_out(entries: Iterable[Entry], layer: Layer, path: Path | None) -> Content:
    rows = table()
    candidates: list[Candidate] = []
    problems: list[str] = []
    warnings: list[str] = []
    unsafe: set[str] = set()
    data_dir: Candidate | None = None
    for entry in entries:
        field = rows.get(entry.key)
        origin = Origin(layer, path, entry.line, _written(entry.key, layer))
        if entry.first_line is not None:
            problems.append(
                f"{origin.place}: {origin.name} is set twice, first on line {entry.first_line}"
            )
            unsafe.add(entry.key)
        elif field is None and entry.key == SESSION_BUDDY_DATA_DIR and layer is not Layer.USER:
            data_dir = (
                Candidate(rows["akosha_data_dir"], entry.value, origin) if entry.value else None
            )
        elif field is None:
            _foreign(entry, origin, problems, warnings)
        elif entry.value is not None:
            textual = layer is Layer.ENVIRONMENT
            candidates.append(Candidate(field, entry.value, origin, textual))
    return Content(
        tuple(each for each in candidates if each.field.name not in unsafe),
        data_dir,
        _limited(problems),
        _limited(warnings),
        frozenset(unsafe),
    )


def _written(key: str, layer: Layer) -> str:
    return ENVIRONMENT_PREFIX + key.upper() if layer is Layer.ENVIRONMENT else key


def _foreign(entry: Entry, origin: Origin, problems: list[str], warnings: list[str]) -> None:
    """Report a key that is not a setting: one that looks like a credential, or one meant for us."""
    ours = origin.layer is Layer.USER or entry.key.lower().startswith("akosha")
    name = one_line(origin.name)
    for key in _names(entry) if ours else [entry.key]:
        if is_credential_name(key):
            inside = "" if key == entry.key else f".{one_line(key)}"
            message = (
                f"{origin.place}: {name}{inside} looks like a credential; {CREDENTIALS_BELONG}"
            )
            (problems if ours else warnings).append(message)
            return
    if ours and isinstance(entry.value, dict):
        warnings.append(
            f"{origin.place}: {name} is a mapping; settings are flat, like akosha_cloud_bucket"
        )
    elif ours:
        # Searching a similar name is slow, and messages beyond the limit are cut off anyway.
        meant = similar(entry.key, table()) if len(warnings) < MAX_MESSAGES else None
        suggestion = f"; did you mean {_written(meant, origin.layer)}?" if meant else ""
        warnings.append(f"{origin.place}: {name} is not a setting{suggestion}")


def _names(entry: Entry) -> list[str]:
    inside = entry.value if isinstance(entry.value, dict) else {}
    return [entry.key, *(str(each) for each in list(inside)[:100])]


def _limited(messages: list[str]) -> tuple[str, ...]:
    if len(messages) <= MAX_MESSAGES:
        return tuple(messages)
    return (*messages[:MAX_MESSAGES], f"and {len(messages) - MAX_MESSAGES} more like these")
