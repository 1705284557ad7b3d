"""The entries of one layer, each put where it belongs: a value, a problem, or none of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akosha_hook.settings import spellings
from akosha_hook.settings.origin import Candidate, Content, Layer, Origin
from akosha_hook.settings.spellings import CLOUD_SYNC
from akosha_hook.settings.table import DATA_DIR, DATABASE_PATH, Field, session_buddys, table
from akosha_hook.settings.wording import CREDENTIALS_BELONG, is_credential_name, similar
from akosha_hook.util.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from akosha_hook.settings.document import Entry

MAX_MESSAGES = 20
# Searching a similar name is slow, and a file may have very many names.
MAX_SEARCHES = 200
# What Session-Buddy's own settings say something about.
_DECIDES = {DATA_DIR: "akosha_data_dir", DATABASE_PATH: "akosha_databases"}


def sort_out(entries: Iterable[Entry], layer: Layer, path: Path | None) -> Content:
    """What the layer holds; `path` is its file."""
    sorting = _Sorting(layer, path)
    for entry in entries:
        sorting.add(entry)
    return sorting.content()


@dataclass(slots=True)
class _Sorting:
    """The entries of one layer, each put where it belongs."""

    layer: Layer
    path: Path | None
    candidates: list[Candidate] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unsafe: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    searches: int = 0

    def add(self, entry: Entry) -> None:
        written = entry.key
        if self.layer is Layer.ENVIRONMENT:
            written = spellings.variable(entry.key)
        origin = Origin(self.layer, self.path, entry.line, written)
        row = self._row(entry)
        is_group = entry.key in spellings.groups() and self.layer is not Layer.USER
        if entry.first_line is not None and (row or not entry.group):
            self._set_twice(entry, origin, row)
        elif is_group:
            self._no_mapping(entry, origin)
        elif row is None:
            self._foreign(entry, origin)
        elif entry.value is not None:
            value = _meaning(entry)
            textual = self.layer is Layer.ENVIRONMENT
            self.candidates.append(Candidate(row, value, origin, textual))

    def content(self) -> Content:
        usable = [each for each in self.candidates if each.field.name not in self.twice]
        usable.sort(key=lambda each: spellings.is_nested(each.origin.key))
        return Content(
            tuple(each for each in usable if each.field.name in table()),
            # One that is empty is not set.
            tuple(each for each in usable if each.field.name not in table() and each.value),
            _limited(self.problems),
            _limited(self.warnings),
            frozenset(self.unsafe),
        )

    def _row(self, entry: Entry) -> Field | None:
        """The setting that the entry spells; None where it is none of ours."""
        if spellings.is_nested(entry.key):
            name = spellings.flat(entry.key) if entry.group else ""
        else:
            name = entry.key
        theirs = session_buddys().get(name) if self.layer is not Layer.USER else None
        return table().get(name) or theirs

    def _set_twice(self, entry: Entry, origin: Origin, row: Field | None) -> None:
        self.problems.append(
            f"{origin.place}: {one_line(origin.name)} is set twice, first on line {entry.first_line}"
        )
        names = [row.name] if row else list(spellings.groups().get(entry.key, {}).values())
        self.twice.update(names)
        self.unsafe.update(_DECIDES.get(name, name) for name in names)

    def _no_mapping(self, entry: Entry, origin: Origin) -> None:
        """A group that has no keys: what was meant by it is not known."""
        if entry.value in (None, ""):
            return
        names = spellings.groups()[entry.key]
        kind = "a list" if isinstance(entry.value, list) else "a single value"
        example = spellings.nested(next(iter(names.values())))
        message = (
            f"{origin.place}: {origin.name} is {kind} but must be a mapping, with keys such as "
        )
        if self.layer is Layer.ENVIRONMENT:
            message = f"{origin.place}: {origin.name} names no setting, unlike "
            example = spellings.variable(example)
        message += example
        if entry.key == CLOUD_SYNC:
            self.problems.append(message)
            self.unsafe.update(names.values())
        else:
            self.warnings.append(f"{message}; it is ignored")

    def _foreign(self, entry: Entry, origin: Origin) -> None:
        """Report a key that is not a setting: one that looks like a credential, or meant for us."""
        in_group = entry.key.lower().startswith(CLOUD_SYNC) and self.layer is not Layer.USER
        ours = self.layer is Layer.USER or entry.key.lower().startswith("akosha")
        name = one_line(origin.name)
        bare = entry.key.removeprefix(entry.group + spellings.DOT) if entry.group else entry.key
        for key in _names(entry, bare) if ours else [bare]:
            if is_credential_name(key):
                inside = "" if key == bare else f".{one_line(key)}"
                self._is_credential(f"{origin.place}: {name}{inside}", ours=ours or in_group)
                return
        if ours and isinstance(entry.value, dict):
            self.warnings.append(
                f"{origin.place}: {name} is a mapping; settings are flat, like akosha_cloud_bucket"
            )
        elif ours:
            meant = self._search(similar, entry.key, table())
            suggestion = f"; did you mean {self._written(meant)}?" if meant else ""
            self.warnings.append(f"{origin.place}: {name} is not a setting{suggestion}")
        elif in_group and (meant := self._search(spellings.meant, entry.key)):
            self.warnings.append(
                f"{origin.place}: {name} is not a setting; did you mean {self._written(meant)}?"
            )

    def _is_credential(self, what: str, *, ours: bool) -> None:
        message = f"{what} looks like a credential; {CREDENTIALS_BELONG}"
        (self.problems if ours else self.warnings).append(message)

    def _search(self, find: Callable[..., str | None], *arguments: object) -> str | None:
        """What `find` finds; messages beyond the limit are cut off anyway."""
        self.searches += 1
        if len(self.warnings) >= MAX_MESSAGES or self.searches > MAX_SEARCHES:
            return None
        return find(*arguments)

    def _written(self, key: str) -> str:
        if self.layer is Layer.ENVIRONMENT:
            return spellings.variable(key)
        group, _, name = key.rpartition(spellings.DOT)
        return f"{name} in {group}" if group else key


def _meaning(entry: Entry) -> object:
    """The value of an entry, as a flat key would have it."""
    if entry.group and spellings.flat(entry.key) == "akosha_force_method":
        return spellings.method(entry.value)
    return entry.value


def _names(entry: Entry, bare: str) -> list[str]:
    inside = entry.value if isinstance(entry.value, dict) else {}
    return [bare, *(str(each) for each in list(inside)[:100])]


def _limited(messages: list[str]) -> tuple[str, ...]:
    if len(messages) <= MAX_MESSAGES:
        return tuple(messages)
    return (*messages[:MAX_MESSAGES], f"and {len(messages) - MAX_MESSAGES} more like these")
