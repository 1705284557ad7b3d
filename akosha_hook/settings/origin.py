"""Where a value comes from, and what one layer of settings holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from akosha_hook.settings import spellings
from akosha_hook.settings.document import place

if TYPE_CHECKING:
    from pathlib import Path

    from akosha_hook.settings.table import Field


class Layer(StrEnum):
    """Where a value came from, highest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    USER = "user"
    CONFIG_LOCAL = "config-local"
    CONFIG = "config"
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

    @property
    def key(self) -> str:
        """The key that `name` spells, whatever the layer."""
        return spellings.key_of(self.name) if self.layer is Layer.ENVIRONMENT else self.name

    def __str__(self) -> str:
        spelled = self.layer is Layer.ENVIRONMENT or spellings.is_nested(self.name)
        return f"{self.place} {self.name}" if spelled else self.place


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

    `followed` are Session-Buddy's own settings. Of two spellings of a setting, the flat one is first.
    """

    candidates: tuple[Candidate, ...] = ()
    followed: tuple[Candidate, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unsafe: frozenset[str] | None = frozenset()
